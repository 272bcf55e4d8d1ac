#include "durations.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace wc::backends {

namespace {

constexpr unsigned kPartBits = 5;
constexpr uint32_t kParts = 1u << kPartBits;  // of each power of two

// Values below 2 * kParts have a bucket each; from there on, `shift` low bits are dropped.
unsigned shift_of(uint64_t ns) {
  const auto width = static_cast<unsigned>(std::bit_width(ns));
  return width > kPartBits + 1 ? width - kPartBits - 1 : 0;
}

uint32_t index_of(uint64_t ns) {
  const unsigned shift = shift_of(ns);
  return shift * kParts + static_cast<uint32_t>(ns >> shift);
}

unsigned shift_of_bucket(uint32_t index) { return index < 2 * kParts ? 0 : index / kParts - 1; }

uint64_t low_end(uint32_t index) {
  const unsigned shift = shift_of_bucket(index);
  return (index - uint64_t{shift} * kParts) << shift;
}

uint64_t middle(uint32_t index) {
  return low_end(index) + ((uint64_t{1} << shift_of_bucket(index)) >> 1);
}

}  // namespace

void Durations::add(uint64_t ns) {
  const uint32_t index = index_of(ns);
  const auto place =
      std::lower_bound(buckets_.begin(), buckets_.end(), index,
                       [](const Bucket& bucket, uint32_t wanted) { return bucket.index < wanted; });
  if (place != buckets_.end() && place->index == index)
    ++place->count;
  else
    buckets_.insert(place, {index, 1});
  ++count_;
  min_ = std::min(min_, ns);
  max_ = std::max(max_, ns);
}

uint64_t Durations::percentile(double percent) const {
  const double exact_rank = std::ceil(percent / 100.0 * static_cast<double>(count_));
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(exact_rank));
  uint64_t seen = 0;
  for (const Bucket& bucket : buckets_) {
    seen += bucket.count;
    if (seen >= rank) return std::clamp(middle(bucket.index), min_, max_);
  }
  return max_;
}

std::array<uint64_t, Durations::kOctaves> Durations::octaves() const {
  std::array<uint64_t, kOctaves> counts{};
  for (const Bucket& bucket : buckets_) {
    const uint64_t low = std::max<uint64_t>(1, low_end(bucket.index));
    counts[static_cast<size_t>(std::bit_width(low)) - 1] += bucket.count;
  }
  return counts;
}

}  // namespace wc::backends
