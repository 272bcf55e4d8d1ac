// Median, quartiles, comparisons within a round, figures found in what programs print.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/comparison.h"
#include "measure/figure.h"

namespace wc::measure {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;
using testing::Optional;

TEST(Spread, OfNothingIsNothing) { EXPECT_FALSE(spread_of({})); }

TEST(Spread, OfOneIsThatOne) {
  const Spread spread = *spread_of({7});
  EXPECT_EQ(spread.median, 7);
  EXPECT_EQ(spread.low, 7);
  EXPECT_EQ(spread.high, 7);
}

// R: quantile(c(9, 1, 4, 3), c(.25, .5, .75)), its default type 7.
TEST(Spread, QuartilesLieBetweenSamples) {
  const Spread spread = *spread_of({9, 1, 4, 3});
  EXPECT_DOUBLE_EQ(spread.low, 2.5);
  EXPECT_DOUBLE_EQ(spread.median, 3.5);
  EXPECT_DOUBLE_EQ(spread.high, 5.25);
}

TEST(Spread, OneWildSampleMovesNoMedian) {
  EXPECT_EQ(spread_of({1, 2, 3, 4, 5})->median, spread_of({1, 2, 3, 4, 5000})->median);
}

TEST(GeometricMean, IsNotTheArithmeticOne) { EXPECT_DOUBLE_EQ(geometric_mean({2, 8}), 4); }

// ---- figures

TEST(Figure, IsTheFirstGroup) {
  EXPECT_THAT(figure_in("started\nloop took 12.5 ms of 99\n", {"took ([0-9.]+) ms", Better::Less}),
              Optional(12.5));
}

TEST(Figure, ThousandsMayBeSetApart) {
  EXPECT_THAT(figure_in("rate 1,234,567 ops", {"rate ([0-9,]+)", Better::More}), Optional(1234567));
}

TEST(Figure, OfSeveralIsTheGeometricMean) {
  EXPECT_THAT(figure_in("a: 100/s\nb: 400/s\n", {"([0-9]+)/s", Better::More}),
              Optional(DoubleNear(200, 1e-9)));
}

TEST(Figure, IsNotThereWhereNothingMatchesOrNoNumber) {
  EXPECT_FALSE(figure_in("nothing", {"took ([0-9.]+)", Better::Less}));
  EXPECT_FALSE(figure_in("took .", {"took ([0-9.]+)", Better::Less}));
  EXPECT_FALSE(figure_in("took 0", {"took ([0-9.]+)", Better::Less}));
}

TEST(Figure, KnownLoadGenerators) {
  EXPECT_THAT(
      known_rate_in("SET: rps=1.0 (overall: 2.0)\rSET: 50000.00 requests per second, p50=0.1\n"),
      Optional(DoubleNear(50000, 1e-6)));
  EXPECT_THAT(known_rate_in("Requests per second:    1832.55 [#/sec] (mean)\n"),
              Optional(DoubleNear(1832.55, 1e-6)));
  EXPECT_THAT(known_rate_in("Requests/sec:  9512.10\n"), Optional(DoubleNear(9512.10, 1e-6)));
  EXPECT_THAT(known_rate_in("tps = 612.9 (without initial connection time)\n"),
              Optional(DoubleNear(612.9, 1e-6)));
  EXPECT_FALSE(known_rate_in("all done\n"));
}

TEST(Figure, BadPatternsAreRefusedInWords) {
  EXPECT_TRUE(check_pattern("([0-9.]+) ms").ok());
  EXPECT_THAT(check_pattern("[0-9.]+ ms").error().message, HasSubstr("no group"));
  EXPECT_THAT(check_pattern("([0-9").error().message, HasSubstr("grep -E"));
}

// ---- comparisons

VariantResult result(const std::string& name, std::initializer_list<double> figures) {
  VariantResult variant;
  variant.variant.name = name;
  int round = 1;
  for (const double figure : figures) variant.samples[round++] = Sample{figure, figure / 1e3, 1, 0};
  return variant;
}

TEST(Comparison, IsMadeWithinARound) {
  // The machine is ten times slower in the second round, which hits both.
  RowResult row;
  row.variants = {result("native", {10, 100, 10}), result("tool", {20, 200, 20})};
  const Comparison comparison = compare(row, row.variants[1]);
  EXPECT_DOUBLE_EQ(comparison.times->median, 2);
  EXPECT_DOUBLE_EQ(comparison.times->high, 2);
  EXPECT_DOUBLE_EQ(comparison.over->median, 10);
}

TEST(Comparison, RoundsThatNativeLacksAreLeftOut) {
  RowResult row;
  row.variants = {result("native", {10}), result("tool", {30, 9999})};
  EXPECT_DOUBLE_EQ(compare(row, row.variants[1]).times->high, 3);
}

TEST(Comparison, NativeIsComparedWithNothing) {
  RowResult row;
  row.variants = {result("native", {10})};
  const Comparison comparison = compare(row, row.variants[0]);
  EXPECT_DOUBLE_EQ(comparison.figure->median, 10);
  EXPECT_FALSE(comparison.times);
}

TEST(Comparison, OfARateTheSlowerOneIsAboveOne) {
  RowResult row;
  row.row.figure = FigurePattern{"", Better::More};
  row.variants = {result("native", {1000}), result("tool", {250})};
  EXPECT_DOUBLE_EQ(compare(row, row.variants[1]).times->median, 4);
}

TEST(Comparison, CostIsAShareOfTheReferences) {
  RowResult row;
  row.row.reference = "strace -f";
  row.variants = {result("native", {10}), result("ours", {20}), result("strace -f", {50})};
  EXPECT_DOUBLE_EQ(compare(row, row.variants[1]).share->median, 0.25);
  EXPECT_FALSE(compare(row, row.variants[2]).share);
}

TEST(Comparison, AReferenceThatCostsNothingIsNoMeasure) {
  RowResult row;
  row.row.reference = "strace -f";
  row.variants = {result("native", {10}), result("ours", {20}), result("strace -f", {9})};
  EXPECT_FALSE(compare(row, row.variants[1]).share);
}

TEST(Comparison, CostOfAnEvent) {
  RowResult row;
  row.variants = {result("native", {10}), result("tool", {20})};
  row.variants[1].seen = Seen{1000, 0};
  EXPECT_NEAR(compare(row, row.variants[1]).per_event->median, 10'000, 1e-6);  // 10 ms / 1,000
  row.variants[1].seen = Seen{0, 0};
  EXPECT_FALSE(compare(row, row.variants[1]).per_event);
}

// A load of fixed length takes as long under every tool; that is not what an event costs.
TEST(Comparison, CostOfAnEventUnderALoadOfFixedLength) {
  RowResult row;
  row.row.figure = FigurePattern{"", Better::More};
  row.variants = {result("native", {1000}), result("tool", {500})};
  row.variants[0].samples[1].wall = 10;
  row.variants[1].samples[1].wall = 10;
  row.variants[1].seen = Seen{5000, 0};
  // Half of its ten seconds is what native would not have needed for the same work.
  EXPECT_NEAR(compare(row, row.variants[1]).per_event->median, 1e6, 1e-3);
}

}  // namespace
}  // namespace wc::measure
