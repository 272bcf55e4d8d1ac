#include "top/text.h"

#include <fmt/format.h>

#include <cwchar>

namespace wc::top {
namespace {

constexpr char32_t kLastAscii = 0x7e, kFirstPrinted = 0x20, kLastControl = 0x9f;

// They turn the text around them, join or hide it.
bool is_invisible(char32_t c) {
  return c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
         (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff) || c == 0x61c ||
         c == 0x180e || c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0;
}

int width_of(char32_t c) {
  if (c >= kFirstPrinted && c <= kLastAscii) return 1;
  if (c <= kLastControl || is_invisible(c)) return -1;
  return wcwidth(static_cast<wchar_t>(c));
}

void append_escaped(std::string& to, char32_t c) {
  if (c == '\n')
    to += "\\n";
  else if (c == '\t')
    to += "\\t";
  else if (c == '\r')
    to += "\\r";
  else
    to += c <= kLastControl ? fmt::format("\\x{:02x}", static_cast<uint32_t>(c))
                            : fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(c));
}

}  // namespace

Decoded decode_utf8(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes.front());
  if (first < 0x80) return {first, 1, true};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < size) return {first, 1, false};
  char32_t c = first & (0x7fU >> size);
  for (size_t i = 1; i < size; i++) {
    const auto next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xc0U) != 0x80) return {first, 1, false};
    c = c << 6U | (next & 0x3fU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = c >= 0xd800 && c <= 0xdfff;
  if (c < kLeast[size] || c > 0x10ffff || is_surrogate) return {first, 1, false};
  return {c, size, true};
}

void append_utf8(std::string& to, char32_t c) {
  auto add = [&](char32_t byte) { to += static_cast<char>(static_cast<unsigned char>(byte)); };
  auto more = [&](unsigned shift) { add(0x80U | ((c >> shift) & 0x3fU)); };
  if (c < 0x80) return add(c);
  if (c < 0x800) return add(0xc0U | c >> 6U), more(0);
  if (c < 0x10000) return add(0xe0U | c >> 12U), more(6), more(0);
  add(0xf0U | c >> 18U), more(12), more(6), more(0);
}

std::string clean(std::string_view bytes) {
  // A letter with more marks than that is no letter of any language, and covers its neighbours.
  constexpr int kMostMarks = 2;
  std::string out;
  int marks = kMostMarks;  // none on nothing
  while (!bytes.empty()) {
    const Decoded one = decode_utf8(bytes);
    const int columns = one.is_valid ? width_of(one.character) : -1;
    if (!one.is_valid)
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(one.character));
    else if (columns < 0 || (columns == 0 && marks >= kMostMarks))
      append_escaped(out, one.character);
    else
      out += bytes.substr(0, one.size);
    marks = columns == 0 ? marks + 1 : columns > 0 ? 0 : kMostMarks;
    bytes.remove_prefix(one.size);
  }
  return out;
}

size_t width(std::string_view cleaned) {
  size_t columns = 0;
  while (!cleaned.empty()) {
    const Decoded one = decode_utf8(cleaned);
    const int here = width_of(one.character);
    columns += here > 0 ? static_cast<size_t>(here) : 0;
    cleaned.remove_prefix(one.size);
  }
  return columns;
}

// Marks on the last one included.
size_t bytes_within(std::string_view cleaned, size_t columns) {
  size_t used = 0, bytes = 0;
  while (bytes < cleaned.size()) {
    const Decoded one = decode_utf8(cleaned.substr(bytes));
    const int here = width_of(one.character);
    if (here > 0 && used + static_cast<size_t>(here) > columns) break;
    used += here > 0 ? static_cast<size_t>(here) : 0;
    bytes += one.size;
  }
  return bytes;
}

std::string cut(std::string_view cleaned, size_t columns) {
  if (columns == 0) return "";
  if (bytes_within(cleaned, columns) == cleaned.size()) return std::string(cleaned);
  return std::string(cleaned.substr(0, bytes_within(cleaned, columns - 1))) + '~';
}

std::string skip(std::string_view cleaned, size_t columns) {
  const size_t bytes = bytes_within(cleaned, columns);
  if (bytes == cleaned.size() || width(cleaned.substr(0, bytes)) == columns)
    return std::string(cleaned.substr(bytes));
  return ' ' + std::string(cleaned.substr(bytes + decode_utf8(cleaned.substr(bytes)).size));
}

std::string fit(std::string_view cleaned, size_t columns, Align align) {
  std::string text = cut(cleaned, columns);
  const size_t used = width(text);
  const std::string blanks(columns - used, ' ');
  return align == Align::Left ? text + blanks : blanks + text;
}

std::string grouped(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string short_count(uint64_t count) {
  constexpr uint64_t kLongest = 1'000'000;
  if (count < kLongest) return grouped(count);
  constexpr char kUnits[] = {'M', 'G', 'T', 'P', 'E'};
  auto value = static_cast<double>(count) / kLongest;
  size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < sizeof kUnits; unit++) value /= 1000;
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : 1, kUnits[unit]);
}

std::string short_time(uint64_t nanoseconds) {
  if (nanoseconds < 1000) return fmt::format("{} ns", nanoseconds);
  auto three_digits = [](double value, const char* unit) {
    return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
  };
  const auto value = static_cast<double>(nanoseconds);
  if (value < 999.5e3) return three_digits(value / 1e3, "us");
  if (value < 999.5e6) return three_digits(value / 1e6, "ms");
  if (value < 999.5e9) return three_digits(value / 1e9, "s");
  const uint64_t minutes = nanoseconds / 60'000'000'000;
  constexpr uint64_t kHour = 60, kDay = 24 * kHour;
  if (minutes < 100 * kHour) return fmt::format("{}:{:02} h", minutes / kHour, minutes % kHour);
  return fmt::format("{} d", grouped(minutes / kDay));
}

}  // namespace wc::top
