// A figure that a program prints itself.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "measure/plan.h"

namespace wc::measure {

// Whether the pattern can be used: regcomp(3) takes it and it has a group.
Status check_pattern(const std::string& pattern);

// The figure in `text`: of several matches the geometric mean (a benchmark of several tests). One
// match a line. Commas between thousands are left out. Nothing where nothing matches.
std::optional<double> figure_in(const std::string& text, const FigurePattern& wanted);

// What the known load generators print, requests or transactions a second.
std::optional<double> known_rate_in(const std::string& text);

}  // namespace wc::measure
