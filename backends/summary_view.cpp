#include "summary_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <tuple>

namespace wc::backends {

namespace {

using SortKey = std::tuple<uint64_t, uint64_t, uint64_t>;

SortKey key_of(const Counts& counts, SummarySort sort) {
  switch (sort) {
    case SummarySort::kTime:
      return {counts.ns, counts.syscalls, counts.calls};
    case SummarySort::kCalls:
      return {counts.calls, counts.syscalls, counts.ns};
    case SummarySort::kSyscalls:
      return {counts.syscalls, counts.calls, counts.ns};
    case SummarySort::kErrors:
      return {counts.errors, counts.ns, counts.calls};
    case SummarySort::kMax:
      return {counts.durations.max(), counts.ns, counts.calls};
    case SummarySort::kName:
      break;
  }
  return {};
}

void sort_rows(std::vector<ViewRow>& rows, SummarySort sort) {
  std::sort(rows.begin(), rows.end(), [sort](const ViewRow& a, const ViewRow& b) {
    const SortKey left = key_of(a.counts, sort), right = key_of(b.counts, sort);
    return left != right ? left > right : a.name < b.name;
  });
}

template <typename Parts>
std::vector<ViewRow> part_rows(const Parts& parts) {
  std::vector<ViewRow> rows;
  for (const auto& [name, counts] : parts)
    rows.push_back(
        {.name = name->text, .source = name, .counts = counts, .parts = {}, .libraries = {}});
  sort_rows(rows, SummarySort::kTime);
  return rows;
}

// Functions of one name are told apart by their libraries.
void name_apart(std::vector<ViewRow>& rows) {
  std::map<std::string_view, int> uses;
  for (const ViewRow& row : rows) ++uses[row.source->text];
  for (ViewRow& row : rows)
    if (uses[row.source->text] > 1 && !row.source->library.empty())
      row.name += "@" + row.source->library;
}

void take_rows(const Tally& tally, const SummaryOptions& options, SummaryView& view) {
  for (const auto& [name, row] : tally.rows) {
    if (row.empty()) continue;
    if (row.syscalls == 0 && options.rows == RowChoice::kWithSyscalls) {
      ++view.hidden;
      view.hidden_calls += row.calls;
      continue;
    }
    view.rows.push_back({.name = name->text,
                         .source = name,
                         .counts = row,
                         .parts = part_rows(row.parts),
                         .libraries = {}});
  }
  name_apart(view.rows);
  sort_rows(view.rows, options.sort);
  if (options.top != 0 && view.rows.size() > options.top) {
    view.cut = view.rows.size() - options.top;
    view.rows.resize(options.top);
  }
}

void add_outside(Counts& sum, const Counts& one) {
  sum.syscalls += one.syscalls;
  sum.own += one.own;
  sum.errors += one.errors;
  sum.ns += one.ns;
  sum.syscall_ns += one.syscall_ns;
}

// Rows about syscalls, threads and paths contain those of no call.
bool has_outside(SummaryBy by) { return by == SummaryBy::kFunction || by == SummaryBy::kCaller; }

void take_outside(const Tally& tally, const SummaryStats& stats, const PhaseClock::Times& lived,
                  SummaryView& view) {
  for (unsigned i = 0; i < kPhases; ++i) {
    const auto phase = static_cast<Phase>(i);
    const Row& row = tally.outside[i];
    const bool is_exec = phase == kNoPhase && stats.knows_phases();
    const bool is_phase = phase != kNoPhase && lived[i] != 0;
    if (row.syscalls == 0 && !is_phase) continue;
    ViewRow shown{.name = fmt::format("({})", is_exec ? "exec, tracer" : name_of(phase)),
                  .source = nullptr,
                  .counts = row,
                  .parts = part_rows(row.parts),
                  .libraries = {}};
    shown.is_of_program = !is_exec;
    shown.counts.ns = lived[i] - std::min(lived[i], tally.in_calls[i]);
    if (is_phase && tally.lived_before == PhaseClock::Times{})
      shown.libraries = part_rows(stats.startup().libraries(phase));
    add_outside(view.all_outside, shown.counts);
    view.outside.push_back(std::move(shown));
  }
}

}  // namespace

SummaryView view_of(const Tally& tally, const SummaryStats& stats, const SummaryOptions& options,
                    uint64_t now) {
  SummaryView view;
  const PhaseClock::Times lived = stats.lived(tally, now);
  view.by = options.by;
  view.total = tally.total;
  view.lived_ns = std::accumulate(lived.begin(), lived.end(), uint64_t{0});
  if (stats.knows_phases()) view.lived_ns -= lived[kNoPhase];  // the program stood still
  view.lost = tally.lost;
  view.sampled = tally.sampled;
  view.since = tally.since;
  view.until = now;
  take_rows(tally, options, view);
  if (has_outside(options.by)) take_outside(tally, stats, lived, view);
  return view;
}

}  // namespace wc::backends
