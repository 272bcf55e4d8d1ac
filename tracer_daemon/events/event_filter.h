// Which events reach the backends: -z, -Z and --status, -P, --signals, -q. Stands between the
// pipeline and the backends, for every engine.
//
// Whether a system call is wanted is known when it returns, and a call is reported because of the
// system calls in it. So calls are kept back until the first wanted one comes; those in which none
// comes are never seen by backends that do not want all calls.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "backend_host/backend_set.h"
#include "events/function_filter.h"
#include "events/kept_call.h"
#include "events/path_filter.h"

namespace wc {

// To be ORed; the values are those of the options (config/options.h).
enum : unsigned { kReportSuccessful = 1, kReportFailed = 2, kReportUnfinished = 4 };
enum : unsigned { kHideExits = 2, kHideSignals = 4 };

struct EventFilterOptions {
  unsigned statuses = kReportSuccessful | kReportFailed | kReportUnfinished;
  std::vector<std::string> paths;   // globs of -P; empty: all system calls
  uint64_t signals = ~uint64_t{0};  // bit N-1 for signal N
  unsigned quiet = 0;
  FunctionChoice functions;    // a replay's -F; null: all
  bool keeps_outside = false;  // with it: system calls outside of every call

  // Whether some system calls are left out by what becomes of them, or by what they touch.
  [[nodiscard]] bool leaves_out_syscalls() const {
    return statuses != (kReportSuccessful | kReportFailed | kReportUnfinished) || !paths.empty();
  }
};

class EventFilter {
 public:
  EventFilter(EventFilterOptions options, BackendSet& backends)
      : options_(std::move(options)),
        keeps_calls_(options_.leaves_out_syscalls()),
        functions_(options_.functions, options_.keeps_outside),
        paths_(options_.paths),
        backends_(backends) {}

  // At the entry, where the thread stands still.
  [[nodiscard]] bool touches_a_path(const DecodeContext& context, uint32_t nr,
                                    std::span<const uint64_t> words) const {
    return options_.paths.empty() || paths_.touches(context, nr, words);
  }

  void call(wc_call event, CallAudience audience);
  void ret(wc_return event, CallAudience audience);
  BackendVerdict syscall_enter(wc_syscall event);
  void syscall_exit(wc_syscall event, bool touches_a_path);
  void totals(const wc_totals& event);
  void process(wc_process& event);

 private:
  [[nodiscard]] bool is_wanted(const wc_syscall& event) const;
  [[nodiscard]] bool reports_signal(int signal) const;
  [[nodiscard]] bool is_quiet(const wc_process& event) const;
  bool forget(int32_t tid, uint64_t call);
  void release(int32_t tid);

  EventFilterOptions options_;
  bool keeps_calls_;
  FunctionFilter functions_;
  PathFilter paths_;
  BackendSet& backends_;
  std::unordered_map<int32_t, std::vector<KeptCall>> kept_;  // by thread, outermost first
};

}  // namespace wc
