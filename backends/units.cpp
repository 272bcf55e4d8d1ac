#include "units.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace wc::backends {

namespace {

struct Unit {
  std::string_view name;
  uint64_t ns;
  uint64_t most;  // whole units before the next one is used
};

constexpr std::array<Unit, 7> kUnits = {{{"ns", 1, 1000},
                                         {"us", 1'000, 1000},
                                         {"ms", 1'000'000, 1000},
                                         {"s", 1'000'000'000, 1000},
                                         {"min", 60'000'000'000, 100},
                                         {"h", 3'600'000'000'000, 1000},
                                         {"d", 86'400'000'000'000, 10'000}}};

// "1.2" below ten, "12" above.
std::string two_digits(uint64_t value, uint64_t unit) {
  const uint64_t tenths = (value * 10 + unit / 2) / unit;
  if (unit == 1 || tenths >= 100) return fmt::format("{}", (value + unit / 2) / unit);
  return fmt::format("{}.{}", tenths / 10, tenths % 10);
}

}  // namespace

std::string short_count(uint64_t value) {
  if (value < 1'000'000) return fmt::format("{}", value);
  constexpr std::string_view kLetters = "MGTPE";
  double scaled = static_cast<double>(value) / 1e6;
  size_t letter = 0;
  while (scaled >= 999.5) {
    scaled /= 1000;
    ++letter;
  }
  const int digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", scaled, digits, kLetters[letter]);
}

std::string short_duration(uint64_t ns) {
  for (const Unit& unit : kUnits) {
    // What rounds up to the limit is shown in the next unit.
    if (ns + unit.ns / 2 >= unit.most * unit.ns) continue;
    return fmt::format("{} {}", two_digits(ns, unit.ns), unit.name);
  }
  return "ages";
}

std::string short_percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (percent >= 1000) return ">999%";
  if (percent == 0 || percent >= 9.95) return fmt::format("{:.0f}%", percent);
  return fmt::format("{:.1f}%", percent);
}

}  // namespace wc::backends
