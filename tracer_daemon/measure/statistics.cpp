#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace wc::measure {
namespace {

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<Spread> spread_of(std::vector<double> samples) {
  if (samples.empty()) return std::nullopt;
  std::sort(samples.begin(), samples.end());
  return Spread{quantile(samples, 0.5), quantile(samples, 0.25), quantile(samples, 0.75)};
}

double geometric_mean(const std::vector<double>& numbers) {
  if (numbers.empty()) return 0;
  if (numbers.size() == 1) return numbers[0];  // exactly
  double sum = 0;
  for (const double number : numbers) sum += std::log(number);
  return std::exp(sum / static_cast<double>(numbers.size()));
}

}  // namespace wc::measure
