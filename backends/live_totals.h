// What somebody who watches a run sees of it (`wc-ctl PATH subscribe`): the summary's rows, counted
// from some moment on, and the last system calls. Events in, JSON out; no back end, but it has the
// callbacks of one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "json_writer.h"
#include "summary_stats.h"
#include "wc_backend.h"

namespace wc::backends {

class LiveTotals {
 public:
  struct Options {
    std::vector<std::string> by;  // words of the summary's `by`
    uint64_t top = 0;             // rows of each; 0: all
    uint64_t recent = 0;          // how many of the last system calls
    std::string function;         // made within calls of this one only; empty: wherever
    bool has_stacks = false;
  };
  // `now`: CLOCK_MONOTONIC, nanoseconds, as in events.
  LiveTotals(const Options& options, uint64_t now);

  // Valid as long as this; the context is this.
  [[nodiscard]] const wc_backend& callbacks() const { return callbacks_; }

  // Calls before this moment: they are not counted.
  void leave_out(const wc_totals& so_far);
  // Of calls that are not over, and those without syscalls, before each write().
  void totals_so_far(const wc_totals& so_far) { count_totals(so_far, WC_TOTALS_SO_FAR); }

  // Members of the object that is open: one for each of `by`, as of the summary's JSON, "recent".
  void write(JsonWriter& json, uint64_t now);

 private:
  struct View {
    SummaryOptions options;
    SummaryStats stats;
  };
  struct Recent {
    uint64_t ts = 0, dur = 0;
    int32_t pid = 0, tid = 0;
    std::string function, text, error;
    std::vector<std::string> stack;
  };

  void count_totals(wc_totals event, uint32_t flags);
  void keep(const wc_syscall& event);
  [[nodiscard]] bool is_wanted(const wc_syscall& event) const;
  void write_recent(JsonWriter& json) const;
  template <auto method, typename Event>
  static void to_views(void* context, const Event* event);

  Options options_;
  std::vector<View> views_;
  std::deque<Recent> recent_;
  // Calls and time at the beginning, by process, function and library.
  std::map<std::tuple<int32_t, std::string, std::string>, std::pair<uint64_t, uint64_t>> before_;
  wc_backend callbacks_;
};

}  // namespace wc::backends
