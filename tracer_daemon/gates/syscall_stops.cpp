#include "gates/syscall_stops.h"

#include <utility>

#include "tracee/resume.h"

namespace wc {

void SyscallStops::on_stop(StoppedThread stop, Thread& thread) {
  StoppedThread::SyscallInfo info;
  if (!stop.syscall_info(info)) return resume(std::move(stop), thread);
  const bool is_entry = info.kind == StoppedThread::SyscallInfo::Kind::Entry;
  if (!is_entry && std::exchange(thread.begins, false)) placing_.on_first_code(stop, thread);
  if (thread.awaits_bell && thread.process->shim.issues(info.ip) && !is_entry) {
    thread.position = SyscallPosition::Outside;
    return bells_.on_interrupted(std::move(stop), thread);
  }
  if (thread.wait.own_stops) {
    on_shortened(stop, thread, info);
  } else if (is_entry) {
    thread.position = gate_.on_entry(stop, thread, info);
  } else if (thread.position != SyscallPosition::Outside) {
    const auto was = std::exchange(thread.position, SyscallPosition::Outside);
    gate_.on_exit(stop, thread, info, was);
  }
  if (thread.delayed_by != 0) return delays_.park(std::move(stop), thread);
  resume(std::move(stop), thread, std::exchange(thread.rule_signal, 0));
}

// The entry and the exit of a call that is watched for its time only.
void SyscallStops::on_shortened(const StoppedThread& stop, Thread& thread,
                                const StoppedThread::SyscallInfo& info) {
  const bool is_exit = info.kind == StoppedThread::SyscallInfo::Kind::Exit;
  if (is_exit && !time_limits_.issue_in_time(stop, thread, info.ret))
    TimeLimits::restore(stop, thread);
}

}  // namespace wc
