#include "json_writer.h"

#include <fmt/format.h>

#include <cmath>

#include "append.h"

namespace wc::backends {

namespace {

bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

bool continues(std::string_view bytes, size_t at) {
  return at < bytes.size() && (static_cast<unsigned char>(bytes[at]) & 0xc0) == 0x80;
}

// Length of the well-formed UTF-8 sequence at the start of `bytes` (Unicode table 3-7: no
// overlong forms, no surrogates, nothing above U+10FFFF), or 0.
size_t utf8_length(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const auto second = bytes.size() > 1 ? static_cast<unsigned char>(bytes[1]) : 0U;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || !continues(bytes, 1)) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) {
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
    return continues(bytes, 2) ? 3 : 0;
  }
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return continues(bytes, 2) && continues(bytes, 3) ? 4 : 0;
}

void append_control(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      append_format(out, "\\u{:04x}", static_cast<unsigned>(c));
  }
}

// Appends the sequence at the start of `bytes`, which is not plain; returns its length.
size_t append_special(std::string& out, std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const size_t length = utf8_length(bytes);
  if (length <= 1) {
    append_control(out, lead);
    return 1;
  }
  const bool is_c1 = lead == 0xc2 && static_cast<unsigned char>(bytes[1]) < 0xa0;
  if (is_c1) {
    append_control(out, static_cast<unsigned char>(bytes[1]));
  } else {
    out += bytes.substr(0, length);
  }
  return length;
}

void append_json_string(std::string& out, std::string_view bytes) {
  out += '"';
  size_t from = 0;
  while (from < bytes.size()) {
    size_t to = from;
    while (to < bytes.size() && is_plain(static_cast<unsigned char>(bytes[to]))) ++to;
    out += bytes.substr(from, to - from);
    from = to;
    if (from < bytes.size()) from += append_special(out, bytes.substr(from));
  }
  out += '"';
}

}  // namespace

void append_utf8(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const size_t length = utf8_length(bytes);
    if (length != 0) {
      out += bytes.substr(0, length);
    } else {
      out += static_cast<char>(0xc0 | lead >> 6);
      out += static_cast<char>(0x80 | (lead & 0x3f));
    }
    bytes.remove_prefix(length != 0 ? length : 1);
  }
}

void JsonWriter::separate() {
  if (!first_) *out_ += ',';
  first_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  *out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  *out_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  *out_ += '"';
  *out_ += name;
  *out_ += "\":";
  first_ = true;  // the value follows the colon, not a comma
}

void JsonWriter::string(std::string_view bytes) {
  separate();
  append_json_string(*out_, bytes);
}

void JsonWriter::number(int64_t value) {
  separate();
  const fmt::format_int text(value);
  out_->append(text.data(), text.size());
}

void JsonWriter::number(uint64_t value) {
  separate();
  const fmt::format_int text(value);
  out_->append(text.data(), text.size());
}

void JsonWriter::floating(double value) {
  separate();
  const std::string_view quote = std::isfinite(value) ? "" : "\"";
  append_format(*out_, "{}{}{}", quote, value, quote);
}

void JsonWriter::address(uint64_t value) {
  separate();
  append_format(*out_, "\"{:#x}\"", value);
}

void JsonWriter::boolean(bool value) {
  separate();
  *out_ += value ? "true" : "false";
}

void JsonWriter::raw(std::string_view json) {
  separate();
  *out_ += json.substr(0, json.find_last_not_of('\n') + 1);
}

void JsonWriter::null() {
  separate();
  *out_ += "null";
}

}  // namespace wc::backends
