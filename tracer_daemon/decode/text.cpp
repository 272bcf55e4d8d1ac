#include "decode/text.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <ctime>

#include "decode/decoder.h"
#include "decode/flag_tables.h"

namespace wc {
namespace {

template <typename T>
void append_number(std::string& out, T value, int base) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  out.append(digits, end);
}

constexpr bool is_octal_digit(unsigned char c) { return c >= '0' && c <= '7'; }

void append_octal_escape(std::string& out, unsigned char c, bool digit_follows) {
  const bool three = digit_follows || c >= 0100;
  out += '\\';
  if (three) out += static_cast<char>('0' + (c >> 6));
  if (three || c >= 010) out += static_cast<char>('0' + ((c >> 3) & 7));
  out += static_cast<char>('0' + (c & 7));
}

// The letter of a C escape, or 0.
constexpr char escape_letter(unsigned char c) {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    default:
      return 0;
  }
}

}  // namespace

void append_dec(std::string& out, int64_t value) { append_number(out, value, 10); }
void append_udec(std::string& out, uint64_t value) { append_number(out, value, 10); }

void append_hex(std::string& out, uint64_t value) {
  if (value != 0) out += "0x";
  append_number(out, value, 16);
}

void append_pointer(std::string& out, uint64_t value) {
  if (value == 0) {
    out += "NULL";
  } else {
    append_hex(out, value);
  }
}

void append_hex_byte(std::string& out, unsigned char byte) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 0xf];
}

void append_octal(std::string& out, uint64_t value) {
  if (value < 0100) out += value < 010 ? "00" : "0";
  if (value >= 0100) out += '0';
  append_number(out, value, 8);
}

void append_file_mode(std::string& out, uint32_t mode) {
  const std::string_view type = enum_name(FlagTable::MknodType, mode & S_IFMT);
  if (!type.empty()) {
    out += type;
  } else if ((mode & S_IFMT) != 0) {
    return append_octal(out, mode);
  }
  if ((mode & S_IFMT) != 0) out += '|';
  if ((mode & S_ISUID) != 0) out += "S_ISUID|";
  if ((mode & S_ISGID) != 0) out += "S_ISGID|";
  if ((mode & S_ISVTX) != 0) out += "S_ISVTX|";
  append_octal(out, mode & ~static_cast<uint32_t>(S_IFMT | S_ISUID | S_ISGID | S_ISVTX));
}

void append_device(std::string& out, uint64_t device) {
  out += "makedev(";
  append_hex(out, gnu_dev_major(device));
  out += ", ";
  append_hex(out, gnu_dev_minor(device));
  out += ')';
}

void append_time(std::string& out, int64_t seconds, int64_t fraction, std::string_view unit) {
  out += "{tv_sec=";
  append_dec(out, seconds);
  out += ", ";
  out += unit;
  out += '=';
  append_udec(out,
              static_cast<uint64_t>(fraction));  // the kernel looks at it before it is a fraction
  out += '}';
}

void append_ticks(std::string& out, int64_t ticks) {
  constexpr int64_t kPerSecond = 100;  // USER_HZ
  append_dec(out, ticks);
  if (ticks <= 0) return;
  const int64_t hundredths = ticks % kPerSecond;
  out += " /* ";
  append_dec(out, ticks / kPerSecond);
  out += hundredths < 10 ? ".0" : ".";
  append_dec(out, hundredths);
  out += " s */";
}

void append_date_comment(std::string& out, int64_t seconds, int64_t fraction, unsigned digits) {
  if (seconds == 0 && fraction == 0) return;
  uint64_t most = 1;
  for (unsigned i = 0; i < digits; i++) most *= 10;
  if (static_cast<uint64_t>(fraction) >= most) return;  // UTIME_NOW, or garbage
  const std::time_t when = seconds;
  std::tm parts{};
  if (localtime_r(&when, &parts) == nullptr) return;
  char text[64];
  size_t length = std::strftime(text, sizeof text, "%FT%T", &parts);
  if (length == 0) return;
  out += " /* ";
  out.append(text, length);
  if (fraction != 0) {
    const std::string number = std::to_string(fraction);
    out += '.';
    out.append(number.size() < digits ? digits - number.size() : 0, '0');
    out += number;
  }
  length = std::strftime(text, sizeof text, "%z", &parts);
  out.append(text, length);
  out += " */";
}

void append_quoted(std::string& out, std::string_view bytes, QuoteStyle style) {
  static constexpr char kHexDigits[] = "0123456789abcdef";
  if (style != QuoteStyle::Path) out += '"';
  for (size_t i = 0; i < bytes.size(); i++) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (style == QuoteStyle::Hex) {
      out += {'\\', 'x', kHexDigits[c >> 4], kHexDigits[c & 15]};
    } else if (const char letter = escape_letter(c)) {
      out += {'\\', letter};
    } else if (c >= ' ' && c <= '~' && (style == QuoteStyle::Plain || (c != '<' && c != '>'))) {
      out += static_cast<char>(c);
    } else {
      // A digit after a short escape would be read as part of it.
      const bool digit_follows =
          i + 1 < bytes.size() && is_octal_digit(static_cast<unsigned char>(bytes[i + 1]));
      append_octal_escape(out, c, digit_follows);
    }
  }
  if (style != QuoteStyle::Path) out += '"';
}

std::string quote(std::string_view bytes, uint32_t limit, bool truncated) {
  std::string out;
  append_quoted(out, bytes.substr(0, limit));
  if (truncated || bytes.size() > limit) out += "...";
  return out;
}

}  // namespace wc
