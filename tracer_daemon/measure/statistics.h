// Median and quartiles; nothing else is said of samples here.
#pragma once

#include <optional>
#include <vector>

namespace wc::measure {

struct Spread {
  double median = 0;
  double low = 0;   // first quartile
  double high = 0;  // third quartile
};

// Quartiles by linear interpolation between the two nearest samples (Hyndman and Fan's type 7, R's
// default and Python's "inclusive"). Nothing of no samples.
std::optional<Spread> spread_of(std::vector<double> samples);

// Of positive numbers; 0 of none.
double geometric_mean(const std::vector<double>& numbers);

}  // namespace wc::measure
