// --threshold: by how much a row may change.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"

namespace wc {

// In percent; nothing: by any amount.
struct Threshold {
  std::optional<double> count, errors, time;

  [[nodiscard]] bool is_set() const { return count || errors || time; }
};

// "10%" for all three, or "count=10%,time=50%".
Result<Threshold> parse_threshold(std::string_view text);

}  // namespace wc
