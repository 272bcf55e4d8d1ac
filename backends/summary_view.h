// The rows that a summary shows, in their order: the same for all formats.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "summary_stats.h"

namespace wc::backends {

// A row, or what stands below one.
struct ViewRow {
  std::string name;
  const Name* source = nullptr;  // null: of no call
  Counts counts;
  std::vector<ViewRow> parts;
  std::vector<ViewRow> libraries;  // of a phase: what it is spent on
  bool is_of_program = true;       // else it stood still: there is no part of its time

  // Calls without syscalls were not seen one by one.
  [[nodiscard]] bool has_unseen() const { return counts.durations.count() < counts.calls; }
};

struct SummaryView {
  SummaryBy by = SummaryBy::kFunction;
  std::vector<ViewRow> rows;
  std::vector<ViewRow> outside;  // by phase, in their order
  Counts total;
  Counts all_outside;
  uint64_t lived_ns = 0;      // by all threads: 100 %
  uint64_t hidden = 0;        // rows without a syscall, which are not among `rows`
  uint64_t hidden_calls = 0;  // of these
  uint64_t cut = 0;           // further rows, beyond `top`
  uint64_t lost = 0;
  uint32_t sampled = 1;
  uint64_t since = 0, until = 0;
};

SummaryView view_of(const Tally& tally, const SummaryStats& stats, const SummaryOptions& options,
                    uint64_t now);

// Each is complete with its final newline.
std::string summary_table(const SummaryView& view, const SummaryOptions& options);
std::string summary_json(const SummaryView& view, const SummaryOptions& options);
std::string summary_csv(const SummaryView& view, const SummaryOptions& options);

}  // namespace wc::backends
