// What the figures of a row say when they are set against native's and a reference's.
#pragma once

#include <optional>

#include "measure/measure.h"
#include "measure/statistics.h"

namespace wc::measure {

// Each comparison is made within a round and the spread taken over the rounds, so that a slow phase
// of the machine, which hits both sides, cancels.
struct Comparison {
  std::optional<Spread> figure;
  std::optional<Spread> wall;       // seconds
  std::optional<Spread> cpu;        // seconds
  std::optional<Spread> times;      // how many times slower than native
  std::optional<Spread> over;       // figure minus native's
  std::optional<Spread> share;      // the cost over native as a share of the reference's
  std::optional<Spread> per_event;  // nanoseconds over native for each event
};

Comparison compare(const RowResult& row, const VariantResult& variant);

}  // namespace wc::measure
