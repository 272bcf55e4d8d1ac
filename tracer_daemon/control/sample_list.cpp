#include "control/sample_list.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "events/tick_clock.h"

namespace wc {
namespace {

std::string_view name_of(CallSample::Kind kind) {
  switch (kind) {
    case CallSample::Kind::Every:
      return "every";
    case CallSample::Kind::First:
      return "first";
    case CallSample::Kind::Rate:
      return "rate";
    default:
      return "off";
  }
}

// Measured once, where it is needed: the kernel does not say.
uint64_t ticks_a_second() {
  static const uint64_t rate = [] {
    constexpr useconds_t kLong = 10'000;
    const uint64_t begin = TickClock::now(), first = __builtin_ia32_rdtsc();
    usleep(kLong);
    const uint64_t took = TickClock::now() - begin, ticks = __builtin_ia32_rdtsc() - first;
    constexpr double kSecond = 1e9;
    return static_cast<uint64_t>(static_cast<double>(ticks) * kSecond / static_cast<double>(took));
  }();
  return rate;
}

}  // namespace

Result<CallSample> parse_sample(CallSample::Kind kind, std::string_view text) {
  CallSample sample{.kind = kind};
  std::string_view functions = text;
  if (kind != CallSample::Kind::All) {
    const size_t at = std::min(text.find('@'), text.size());
    const std::string_view number = text.substr(0, at);
    constexpr uint32_t kMost = 1'000'000'000;
    sample.n = whole_number<uint32_t>(number).value_or(0);
    if (sample.n == 0 || sample.n > kMost)
      return Error{fmt::format("{}: '{}' is no number from 1 to {}; expected N[@FUNCTIONS]",
                               name_of(kind), number, kMost)};
    functions = text.substr(std::min(at + 1, text.size()));
    if (at < text.size() && functions.empty())
      return Error{fmt::format("{}: no functions behind '@'", name_of(kind))};
  }
  sample.of_all_functions = functions.empty();
  auto terms = parse_selection(functions.empty() ? "*@*" : functions);
  if (!terms) return Error{fmt::format("{}: {}", name_of(kind), terms.error().message)};
  sample.functions = std::move(*terms);
  sample.text = kind == CallSample::Kind::All ? fmt::format("off {}", functions)
                                              : fmt::format("{}={}", name_of(kind), text);
  return sample;
}

Result<CallSample> parse_sample_request(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t blank = std::min(text.find_first_of(kBlanks), text.size());
  const std::string_view what = text.substr(0, blank);
  const std::string_view functions = trimmed(text.substr(blank), kBlanks);
  if (what == name_of(CallSample::Kind::All)) return parse_sample(CallSample::Kind::All, functions);
  using Kind = CallSample::Kind;
  for (const Kind kind : {Kind::Every, Kind::Rate, Kind::First}) {
    const std::string begin = fmt::format("{}=", name_of(kind));
    if (!what.starts_with(begin)) continue;
    std::string words(what.substr(begin.size()));
    if (!functions.empty()) words += fmt::format("@{}", functions);
    return parse_sample(kind, words);
  }
  return Error{fmt::format("'{}' is none of every=N, rate=N, first=N, off", what)};
}

bool SampleList::add(CallSample sample) {
  if (sample.of_all_functions) list_.clear();
  if (sample.of_all_functions && sample.reports_all()) return true;
  auto same = [&](const CallSample& old) {
    return std::ranges::equal(old.functions, sample.functions, {}, &Term::text, &Term::text);
  };
  std::erase_if(list_, same);
  if (list_.size() == WC_SAMPLES) return false;
  list_.push_back(std::move(sample));
  return true;
}

void SampleList::write(wc_shared_header& header) const {
  for (size_t i = 0; i < list_.size(); i++) {
    const CallSample& one = list_[i];
    wc_sample& to = header.samples[i];
    to.kind = one.kind == CallSample::Kind::First  ? WC_SAMPLE_FIRST
              : one.kind == CallSample::Kind::Rate ? WC_SAMPLE_RATE
                                                   : WC_SAMPLE_EVERY;
    to.n = one.n;
    to.ticks = one.kind == CallSample::Kind::Rate ? ticks_a_second() / one.n : 0;
    __atomic_store_n(&to.state, 0, __ATOMIC_RELEASE);
  }
}

}  // namespace wc
