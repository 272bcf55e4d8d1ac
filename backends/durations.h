// How long things took: how often each duration occurred, in buckets that are narrow where
// durations are short and wide where they are long. Percentiles are read from it without keeping
// the single durations.
//
// The buckets are those of HdrHistogram (Gil Tene, http://hdrhistogram.org): each power of two is
// cut into 32 equal parts. A percentile is the middle of its bucket, so it is off by at most 1/64
// (1.6 %). Count, sum and maximum are exact. Memory: one pair for each bucket that is in use, 1,920
// at most.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wc::backends {

class Durations {
 public:
  static constexpr size_t kOctaves = 64;

  void add(uint64_t ns);

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t max() const { return max_; }
  // Of the sorted durations, the one that stands at this part of their number (nearest rank);
  // 0 where there is none.
  [[nodiscard]] uint64_t percentile(double percent) const;
  // How many were at least 2^i and less than 2^(i+1) nanoseconds; 0 counts among the first.
  [[nodiscard]] std::array<uint64_t, kOctaves> octaves() const;

 private:
  struct Bucket {
    uint32_t index;
    uint64_t count;
  };
  std::vector<Bucket> buckets_;  // sorted
  uint64_t count_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
};

}  // namespace wc::backends
