#include "compare/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "measure/child.h"

namespace wc::compare {
namespace {

std::string with_thousands(double value) {
  const std::string digits = fmt::format("{:.0f}", std::abs(value));
  std::string text = value < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); i++) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

bool is_plain(const std::string& word) {
  constexpr std::string_view kPlain = "%+,-./:=@_";
  return !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.find(c) != kPlain.npos;
  });
}

}  // namespace

std::string number(double value) {
  const double size = std::abs(value);
  if (size >= 99.95) return with_thousands(value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  return size >= 0.0995 || size == 0 ? fmt::format("{:.2f}", value) : fmt::format("{:.3f}", value);
}

std::string count_text(unsigned long count) { return with_thousands(static_cast<double>(count)); }

std::string with_unit(double value, std::string_view unit) {
  constexpr double kLong = 10'000;  // milliseconds
  if (unit == "ms" && std::abs(value) >= kLong) return number(value / 1e3) + " s";
  return unit.empty() ? number(value) : fmt::format("{} {}", number(value), unit);
}

std::string attribution(const measure::Seen& seen) {
  if (seen.events == 0) return "-";
  if (seen.attributed == 0) return "none";
  if (seen.attributed == seen.events) return "all";
  const double share =
      100.0 * static_cast<double>(seen.attributed) / static_cast<double>(seen.events);
  // Nearly all is not all.
  if (share > 99) return "some (> 99 %)";
  if (share < 1) return "some (< 1 %)";
  return fmt::format("some ({:.0f} %)", share);
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (is_plain(word)) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : measure::one_line(word))
      line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace wc::compare
