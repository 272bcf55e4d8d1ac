#include "measure/comparison.h"

#include <algorithm>

namespace wc::measure {
namespace {

using Samples = std::map<int, Sample>;

template <typename Value>
std::optional<Spread> over_rounds(const Samples& samples, Value value) {
  std::vector<double> values;
  for (const auto& [round, sample] : samples) {
    if (const std::optional<double> one = value(round, sample)) values.push_back(*one);
  }
  return spread_of(std::move(values));
}

// Of a rate, the time that one unit of work takes.
double slowdown(const Sample& sample, const Sample& native, Better better) {
  return better == Better::Less ? sample.figure / native.figure : native.figure / sample.figure;
}

const Samples* samples_of(const RowResult& row, const std::string& name) {
  const auto found =
      std::find_if(row.variants.begin(), row.variants.end(),
                   [&](const VariantResult& v) { return !name.empty() && v.variant.name == name; });
  return found == row.variants.end() ? nullptr : &found->samples;
}

}  // namespace

Comparison compare(const RowResult& row, const VariantResult& variant) {
  using Maybe = std::optional<double>;
  const Samples& samples = variant.samples;
  Comparison result;
  result.figure = over_rounds(samples, [](int, const Sample& s) -> Maybe { return s.figure; });
  result.wall = over_rounds(samples, [](int, const Sample& s) -> Maybe { return s.wall; });
  result.cpu = over_rounds(samples, [](int, const Sample& s) -> Maybe { return s.cpu; });
  if (row.variants.empty() || &variant == &row.variants.front()) return result;

  const Better better = row.row.better();
  const auto against_native = [&](auto value) {
    return over_rounds(samples, [&](int round, const Sample& sample) -> Maybe {
      const auto native = row.variants.front().samples.find(round);
      if (native == row.variants.front().samples.end()) return {};
      return value(round, sample, native->second);
    });
  };
  result.times = against_native([&](int, const Sample& s, const Sample& native) -> Maybe {
    return slowdown(s, native, better);
  });
  result.over = against_native(
      [](int, const Sample& s, const Sample& native) -> Maybe { return s.figure - native.figure; });
  if (variant.seen && variant.seen->events > 0) {
    const auto events = static_cast<double>(variant.seen->events);
    // The part of its time that native would not have needed for the same work; for a load of fixed
    // length that is not the difference of the times.
    result.per_event = against_native([&](int, const Sample& s, const Sample& native) -> Maybe {
      return s.wall * (1 - 1 / slowdown(s, native, better)) * 1e9 / events;
    });
  }
  const Samples* reference = samples_of(row, row.row.reference);
  if (reference == nullptr || reference == &samples) return result;
  result.share = against_native([&](int round, const Sample& s, const Sample& native) -> Maybe {
    const auto peer = reference->find(round);
    if (peer == reference->end()) return {};
    const double cost = slowdown(peer->second, native, better) - 1;
    if (cost <= 0) return {};
    return (slowdown(s, native, better) - 1) / cost;
  });
  return result;
}

}  // namespace wc::measure
