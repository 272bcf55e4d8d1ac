// Numbers and names as people read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/request.h"
#include "measure/comparison.h"

namespace wc::compare {

// How the tool's own lines begin.
inline constexpr std::string_view kOwnPrefix = "wc-preload: ";

// Three significant digits, thousands apart, no exponent: "1,234", "12.3", "0.123".
std::string number(double value);

// A whole number, thousands apart.
std::string count_text(unsigned long count);

// "4.37 ms", "1.23 s": a figure in milliseconds changes its unit where it is long; others stay.
std::string with_unit(double value, std::string_view unit);

// "all", "some (12 of 34)", "none"; "-" where nothing was seen.
std::string attribution(const measure::Seen& seen);

// The program as one would type it.
std::string command_line(const std::vector<std::string>& words);

// What a report shows of one line of the table.
struct Line {
  Kind kind = Kind::Native;
  std::string name;
  std::string trouble;  // "failed: ...", "skipped: ...", or empty
  measure::Comparison figures;
  measure::Seen seen;
};

struct Report {
  std::string title;               // the program as it was started
  std::vector<std::string> facts;  // sentences on machine, versions, how it was measured
  std::string unit;
  measure::Better better = measure::Better::Less;
  std::vector<Line> lines;  // native first
};

}  // namespace wc::compare
