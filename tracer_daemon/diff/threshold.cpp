#include "diff/threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace wc {

Result<Threshold> parse_threshold(std::string_view text) {
  const auto wrong = [&] {
    return Error{
        fmt::format("--threshold: '{}' is none; valid: 10%, or count=10%,errors=0%,time=50%",
                    text.substr(0, 80))};
  };
  Threshold threshold;
  if (text.ends_with(',')) return wrong();
  std::string_view left = text;
  do {
    std::string_view part = left.substr(0, left.find(','));
    left.remove_prefix(std::min(part.size() + 1, left.size()));
    const size_t equals = part.find('=');
    const std::string_view name =
        equals == std::string_view::npos ? std::string_view() : part.substr(0, equals);
    if (equals != std::string_view::npos) part.remove_prefix(equals + 1);
    if (!part.ends_with('%')) return wrong();
    part.remove_suffix(1);
    double percent = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), percent);
    if (error != std::errc() || end != part.data() + part.size() || !std::isfinite(percent) ||
        percent < 0)
      return wrong();
    if (name.empty())
      threshold.count = threshold.errors = threshold.time = percent;
    else if (name == "count")
      threshold.count = percent;
    else if (name == "errors")
      threshold.errors = percent;
    else if (name == "time")
      threshold.time = percent;
    else
      return wrong();
  } while (!left.empty());
  return threshold;
}

}  // namespace wc
