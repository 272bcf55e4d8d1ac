// What the summary counts, apart from how it is shown: events in, rows out.
//
// A syscall counts for every open call around it, once for each row: a function that calls itself
// does not count it twice. The time of a call that is nested in one of the same row is part of that
// one's. Calls without syscalls come as totals at the end of their process (wc_totals): their
// number and time are known, single durations are not.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "open_calls.h"
#include "phase_clock.h"
#include "startup.h"
#include "summary_options.h"
#include "summary_rows.h"
#include "wc_backend.h"

namespace wc::backends {

// What is counted from some moment on.
struct Tally {
  uint64_t since = 0;
  Rows rows;
  std::array<Row, kPhases> outside;          // syscalls of no call
  std::array<uint64_t, kPhases> in_calls{};  // time in outermost calls, by where these began
  Counts total;                              // each syscall once; time in outermost calls
  uint64_t lost = 0;
  uint32_t sampled = 1;              // for how many calls one stands, at most
  PhaseClock::Times lived_before{};  // by all threads, until `since`
};

class SummaryStats {
 public:
  SummaryStats(const SummaryOptions& options, uint64_t now);

  void call(const wc_call& event);
  void syscall(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void totals(const wc_totals& event);
  void lost(const wc_lost& event);

  // Everything up to `now`, with the calls that are open. Totals so far count for the next one
  // only.
  [[nodiscard]] Tally everything(uint64_t now);
  // The same since the last call of this function.
  [[nodiscard]] Tally take_window(uint64_t now);
  [[nodiscard]] uint64_t window_began() const { return window_.since; }

  // How long the threads have lived in the time of a tally.
  [[nodiscard]] PhaseClock::Times lived(const Tally& tally, uint64_t now) const;
  [[nodiscard]] const Startup& startup() const { return startup_; }
  [[nodiscard]] bool knows_phases() const { return clock_.knows_phases(); }

 private:
  // What events have said of a function in a process, which its totals contain.
  struct Seen {
    uint64_t calls = 0, ns = 0;
  };
  struct SoFar {
    const Name* function;
    Seen more;
  };
  using Around = std::span<const OpenCall>;

  [[nodiscard]] const Name* part_of(const OpenCall& call) const;
  const Name* thread_name(int32_t pid, int32_t tid);
  Around calls_of(const wc_syscall& event);
  void count_call(Tally& tally, const OpenCall& call);
  void end_call(Tally& tally, const OpenCall& call, Around around, uint64_t ns);
  void add_open_calls(Tally& tally, uint64_t now);
  void count_syscall(Tally& tally, const wc_syscall& event, Around calls, Phase phase);
  void count_in_calls(Tally& tally, const wc_syscall& event, Around calls);
  void count_by_syscall(Tally& tally, const wc_syscall& event, Around calls);
  Seen missing_from_events(const wc_totals& event, const Name* function) const;
  static void add_unseen(Tally& tally, const Name* function, const Seen& unseen);
  template <typename Change>
  void for_each_tally(const Change& change);

  SummaryOptions options_;
  Names names_;
  OpenCalls open_;
  PhaseClock clock_;
  Startup startup_;
  Tally whole_, window_;
  std::unordered_map<int32_t, std::map<const Name*, Seen>> seen_;  // by process
  std::vector<SoFar> so_far_;
  std::unordered_map<int32_t, std::string> programs_;
  std::vector<OpenCall> unknown_;  // scratch
};

}  // namespace wc::backends
