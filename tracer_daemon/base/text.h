// Small things about text that several modules say.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace wc {

// What stands behind the last slash.
inline std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Where the first part of a rule (SYSCALLS[@FUNCTIONS], rules/rule.h) ends: at a colon that is
// neither one of `::` nor that of a `scope:` in front of a name.
inline size_t end_of_place(std::string_view rule) {
  constexpr std::string_view kScope = "scope";
  for (size_t at = rule.find(':'); at != rule.npos; at = rule.find(':', at)) {
    if (rule.substr(at, 2) == "::") {
      at += 2;
      continue;
    }
    const std::string_view before = rule.substr(0, at);
    const size_t name = before.find_last_of("@,!");
    if (name == before.npos || before.substr(name + 1) != kScope) return at;
    at++;
  }
  return rule.size();
}

// Without what stands at both ends of these characters.
inline std::string_view trimmed(std::string_view text, std::string_view blanks = " \t") {
  const size_t begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Nothing where not all of it is a number of this type.
template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

// What somebody has typed, in a message: control bytes as \xNN, so that it stays one line and no
// escape sequence reaches the terminal.
inline std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f) {
      out += c;
      continue;
    }
    char escaped[8];
    snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    out += escaped;
  }
  return out;
}

inline std::string hexadecimal(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace wc
