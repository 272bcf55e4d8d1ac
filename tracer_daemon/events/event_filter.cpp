#include "events/event_filter.h"

#include <sys/wait.h>

#include <algorithm>

namespace wc {

bool EventFilter::is_wanted(const wc_syscall& event) const {
  if ((event.flags & WC_SYSCALL_NO_RESULT) != 0)
    return (options_.statuses & kReportUnfinished) != 0;
  return (options_.statuses & (event.error != 0 ? kReportFailed : kReportSuccessful)) != 0;
}

void EventFilter::call(wc_call event, CallAudience audience) {
  if (!functions_.call(event)) return;
  if (!keeps_calls_) return backends_.call(event, audience);
  if (audience != CallAudience::kWantsSyscallsOnly)
    backends_.call(event, CallAudience::kWantsAllCalls);
  if (audience != CallAudience::kWantsAllCalls) kept_[event.tid].emplace_back(event);
}

// True: it was kept back, so that only those who want all calls know of it.
bool EventFilter::forget(int32_t tid, uint64_t call) {
  const auto thread = kept_.find(tid);
  if (thread == kept_.end()) return false;
  auto& calls = thread->second;
  const auto found = std::find_if(calls.begin(), calls.end(),
                                  [=](const KeptCall& one) { return one.event().id == call; });
  if (found == calls.end()) return false;
  calls.erase(found);
  if (calls.empty()) kept_.erase(thread);
  return true;
}

void EventFilter::ret(wc_return event, CallAudience audience) {
  if (!functions_.ret(event)) return;
  if (!keeps_calls_ || !forget(event.tid, event.call)) return backends_.ret(event, audience);
  if (audience != CallAudience::kWantsSyscallsOnly)
    backends_.ret(event, CallAudience::kWantsAllCalls);
}

void EventFilter::release(int32_t tid) {
  const auto thread = kept_.find(tid);
  if (thread == kept_.end()) return;
  for (const KeptCall& call : thread->second)
    backends_.call(call.event(), CallAudience::kWantsSyscallsOnly);
  kept_.erase(thread);
}

void EventFilter::totals(const wc_totals& event) {
  if (functions_.totals(event)) backends_.totals(event);
}

BackendVerdict EventFilter::syscall_enter(wc_syscall event) {
  return functions_.syscall(event) ? backends_.syscall_enter(event) : BackendVerdict{};
}

void EventFilter::syscall_exit(wc_syscall event, bool touches_a_path) {
  if (!functions_.syscall(event)) return;
  if (keeps_calls_) {
    if (!touches_a_path || !is_wanted(event)) return;
    release(event.tid);
  }
  backends_.syscall_exit(event);
}

bool EventFilter::reports_signal(int signal) const {
  if ((options_.quiet & kHideSignals) != 0) return false;
  return signal < 1 || signal > 64 || (options_.signals >> (signal - 1) & 1) != 0;
}

bool EventFilter::is_quiet(const wc_process& event) const {
  switch (event.event) {
    case WC_PROCESS_SIGNAL:
    case WC_PROCESS_STOP:
      return !reports_signal(event.signal);
    case WC_PROCESS_EXIT:
      return WIFSIGNALED(event.status) ? !reports_signal(WTERMSIG(event.status))
                                       : (options_.quiet & kHideExits) != 0;
    default:
      return false;
  }
}

void EventFilter::process(wc_process& event) {
  event.quiet = is_quiet(event) ? 1 : 0;
  // Nobody keeps state by these.
  const bool is_moment = event.event == WC_PROCESS_SIGNAL || event.event == WC_PROCESS_STOP;
  if (event.quiet == 0 || !is_moment) backends_.process(event);
}

}  // namespace wc
