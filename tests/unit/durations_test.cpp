#include "durations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "units.h"

namespace wc::backends {
namespace {

constexpr double kStatedError = 1.0 / 64;

// The definition: of the sorted values the one at this rank.
uint64_t exact(std::vector<uint64_t> values, double percent) {
  std::sort(values.begin(), values.end());
  const auto rank =
      static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
  return values[std::max<size_t>(rank, 1) - 1];
}

void expect_close(const std::vector<uint64_t>& values) {
  Durations durations;
  for (const uint64_t value : values) durations.add(value);
  for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto wanted = static_cast<double>(exact(values, percent));
    EXPECT_NEAR(static_cast<double>(durations.percentile(percent)), wanted, wanted * kStatedError)
        << percent << " % of " << values.size();
  }
  EXPECT_EQ(durations.max(), *std::max_element(values.begin(), values.end()));
  EXPECT_EQ(durations.count(), values.size());
}

TEST(DurationsTest, PercentilesAreWithinTheStatedError) {
  std::mt19937_64 random(1);
  for (const double spread : {0.1, 1.0, 3.0}) {
    std::lognormal_distribution<double> waits(12, spread);
    std::vector<uint64_t> values;
    for (int i = 0; i < 10'000; ++i) values.push_back(static_cast<uint64_t>(waits(random)));
    expect_close(values);
  }
}

TEST(DurationsTest, EveryPowerOfTwoAndItsNeighbours) {
  for (unsigned bit = 0; bit < 63; ++bit)
    for (const int64_t by : {-1, 0, 1}) {
      const auto value = static_cast<uint64_t>((int64_t{1} << bit) + by);
      expect_close({value, value, value * 2 + 1});
    }
  expect_close({0, UINT64_MAX});
}

TEST(DurationsTest, OneValueIsItsOwnPercentile) {
  Durations durations;
  durations.add(449'123);
  EXPECT_EQ(durations.percentile(50), 449'123U);
  EXPECT_EQ(Durations().percentile(50), 0U);
}

TEST(DurationsTest, OctavesContainEverything) {
  Durations durations;
  for (uint64_t value = 0; value < 5000; ++value) durations.add(value);
  const auto octaves = durations.octaves();
  EXPECT_EQ(octaves[0], 2U) << "0 and 1";
  EXPECT_EQ(octaves[1], 2U) << "2 and 3";
  EXPECT_EQ(octaves[10], 1024U);
  EXPECT_EQ(octaves[12], 5000U - 4096U);
}

TEST(UnitsTest, Durations) {
  EXPECT_EQ(short_duration(0), "0 ns");
  EXPECT_EQ(short_duration(999), "999 ns");
  EXPECT_EQ(short_duration(1000), "1.0 us");
  EXPECT_EQ(short_duration(1'234'567), "1.2 ms");
  EXPECT_EQ(short_duration(9'960'000), "10 ms");
  EXPECT_EQ(short_duration(999'499'999), "999 ms");
  EXPECT_EQ(short_duration(999'500'000), "1.0 s");
  EXPECT_EQ(short_duration(1000ull * 1'000'000'000), "17 min");
  EXPECT_EQ(short_duration(7200ull * 1'000'000'000), "2.0 h");
}

TEST(UnitsTest, NothingIsWiderThanItsColumn) {
  for (unsigned bit = 0; bit < 64; ++bit)
    for (const uint64_t value : {uint64_t{1} << bit, (uint64_t{1} << bit) * 2 - 1}) {
      EXPECT_LE(short_duration(value).size(), 6U) << value;
      EXPECT_LE(short_count(value).size(), 6U) << value;
      EXPECT_LE(short_percent(value, 1).size(), 5U) << value;
    }
}

TEST(UnitsTest, CountsAndPercentages) {
  EXPECT_EQ(short_count(999'999), "999999");
  EXPECT_EQ(short_count(1'000'000), "1.00M");
  EXPECT_EQ(short_count(99'960'000), "100M");
  EXPECT_EQ(short_percent(1, 3), "33%");
  EXPECT_EQ(short_percent(1, 300), "0.3%");
  EXPECT_EQ(short_percent(0, 3), "0%");
  EXPECT_EQ(short_percent(1, 0), "");
}

}  // namespace
}  // namespace wc::backends
