#include "engine/attaching.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "break_scopes/break_scopes.h"
#include "proc/process.h"
#include "signals/interruption.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

constexpr int kRounds = 1000;  // looks for new threads, of which each may have made more
constexpr uint64_t kPatienceTicks = 20;
constexpr int kPatienceMs = 2000;  // for threads that do not stop: in a device's hands, say

// If the tracer detached from a thread at the entry of a syscall, the PTRACE_INTERRUPT that is
// still pending would make the syscall fail with EINTR, which the program must not see.
bool enters_syscall(const StoppedThread& stop) {
  StoppedThread::SyscallInfo info;
  return stop.at_syscall() && stop.syscall_info(info) &&
         info.kind == StoppedThread::SyscallInfo::Kind::Entry;
}

// Whether the thread may be in the middle of making a child, which seizing comes too late for.
bool may_be_forking(pid_t tid) {
  auto place = proc::read_kernel_place(tid);
  if (!place || place->kind == proc::KernelPlace::Kind::Running) return true;
  auto nr = place->nr;
  return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork || nr == SYS_vfork;
}

// The events that bring a thread or a process with them.
bool makes_a_thread(int status) {
  int event = status >> 16;
  return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE ||
         event == PTRACE_EVENT_EXEC;
}

bool is_interruption(const StoppedThread& stop) { return stop.event() == PTRACE_EVENT_STOP; }

// It has executed a breakpoint instruction, and was interrupted before the signal stop for that:
// let go here, it would die of the signal.
bool awaits_its_trap(const StoppedThread& stop) {
  if (!is_interruption(stop)) return false;
  auto waiting = stop.waiting_signals();
  return std::any_of(waiting.begin(), waiting.end(), [](const siginfo_t& one) {
    return one.si_signo == SIGTRAP && one.si_code == SI_KERNEL;
  });
}

}  // namespace

// ---- leaving

namespace {

// The tracer's breakpoint, met before it was taken out, is no signal of the program's.
int signal_to_deliver(const StoppedThread& stop, Process& process, user_regs_struct& regs) {
  if (stop.event() != 0 || stop.at_syscall()) return 0;
  if (process.breaks == nullptr || stop.signal() != SIGTRAP) return stop.signal();
  const BreakSite* site = process.breaks->behind(regs.rip);
  if (site == nullptr) return stop.signal();
  regs.rip = site->address;
  (void)stop.set_ip(regs.rip);
  return 0;
}

}  // namespace

Status Attaching::attach(pid_t pid) {
  ProcessPtr process = parts_.tracees.add_process(pid);
  process->started = process->attached = true;
  if (auto seized = seize_all(process); !seized) {
    parts_.following.remove_process(process);
    return seized;
  }
  run_.pipeline.started(pid, proc::exe_path(pid));
  parts_.placing.begin_attached(*process);
  // In full-process mode every thread must stop once, to be resumed to its next syscall.
  if (run_.options.uses_breakpoints()) places_in_.insert(process->pid);
  Thread* first = nullptr;
  bool any = false;
  for (const auto& [tid, thread] : parts_.tracees.threads) {
    if (thread->process != process) continue;
    if (first == nullptr) first = thread.get();
    if (!run_.options.whole_process && !may_be_forking(tid)) continue;
    any = true;
    ask_to_stop(*thread);
  }
  if (!any) ask_to_stop(*first);
  return Done{};
}

void Attaching::forget(pid_t pid) { places_in_.erase(pid); }

// A thread that is seized brings the threads that it makes from then on; so it is done when a look
// finds no new one.
Status Attaching::seize_all(const ProcessPtr& process) {
  for (int round = 0, fresh = 1; fresh != 0 && round < kRounds; round++) {
    fresh = 0;
    for (pid_t tid : proc::threads_of(process->pid)) {
      if (parts_.tracees.threads.contains(tid)) continue;
      int error = seize(parts_.stops.kernel(), tid, run_.options.follows_forks());
      if (error == 0) {
        parts_.tracees.add_thread(tid, process);
        fresh++;
      } else if (error != ESRCH && process->threads == 0) {
        return Error{"", error};  // the caller knows why that may be
      }
      // EPERM for others: it has come with its parent already, whose event will report it.
    }
  }
  if (process->threads == 0) return Error{"", ESRCH};
  return Done{};
}

void Attaching::ask_to_stop(Thread& thread) {
  thread.interrupted = true;
  interrupt(parts_.stops.kernel(), thread.tid);
}

// Whether a stop of one of its threads that was asked for is still to come.
bool Attaching::awaits_stops(pid_t pid) const {
  return std::any_of(
      parts_.tracees.threads.begin(), parts_.tracees.threads.end(),
      [&](const auto& one) { return one.second->process->pid == pid && one.second->interrupted; });
}

void Attaching::on_asked_stop(StoppedThread& stop, Thread& thread) {
  thread.interrupted = false;
  user_regs_struct regs{};
  if (stop.registers(regs)) issue_again(stop, regs);
  const pid_t pid = thread.process->pid;
  if (!places_in_.contains(pid) || (awaits_stops(pid) && parts_.tracees.ticks < kPatienceTicks))
    return;
  places_in_.erase(pid);
  parts_.placing.place_in_running(stop, thread);
}

void Attaching::ask_another() {
  // A process that has ended needs none.
  std::erase_if(places_in_, [&](pid_t pid) { return parts_.tracees.process(pid) == nullptr; });
  const auto& threads = parts_.tracees.threads;
  for (const pid_t pid : places_in_) {
    if (awaits_stops(pid) && parts_.tracees.ticks < kPatienceTicks) continue;
    const auto found = std::ranges::find_if(threads, [&](const auto& one) {
      return one.second->process->pid == pid && !one.second->interrupted;
    });
    if (found != threads.end()) ask_to_stop(*found->second);
  }
}

void Attaching::free_of_breakpoints(Process& process) {
  if (process.breaks != nullptr && !process.shares_text) process.breaks->remove_all(process.memory);
}

void Attaching::let_go(StoppedThread stop, Thread& thread, int signal) {
  pid_t tid = stop.tid();
  ProcessPtr process = thread.process;
  std::move(stop).detach(signal);
  parts_.tracees.threads.erase(tid);
  if (--process->threads == 0) parts_.following.remove_process(process);
}

bool Attaching::on_unfollowed(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  if (process.shares_text && stop.event() != PTRACE_EVENT_EXEC) return false;
  if (stop.event() != PTRACE_EVENT_EXEC) free_of_breakpoints(process);
  bool is_signal = stop.event() == 0 && !stop.at_syscall();
  int signal = is_signal ? stop.signal() : 0;
  let_go(std::move(stop), thread, signal);
  return true;
}

// Asks all threads of attached processes to stop; their number.
size_t Attaching::ask_attached() {
  size_t count = 0;
  for (const auto& [tid, thread] : parts_.tracees.threads) {
    if (!thread->process->attached) continue;
    count++;
    if (!thread->interrupted) ask_to_stop(*thread);
  }
  return count;
}

// A stop of a thread that is not among `standing`, or nothing.
Seen Attaching::next_standing(const std::vector<Standing>& standing) {
  auto stands = [&](pid_t tid) {
    return std::ranges::any_of(standing,
                               [&](const Standing& one) { return one.stop.tid() == tid; });
  };
  for (const auto& [tid, thread] : parts_.tracees.threads)
    if (!stands(tid))
      if (Seen seen = parts_.stops.next_of(tid); seen.tid > 0) return seen;
  // One that is not known yet, and brings its parent's event later.
  Seen seen = parts_.stops.next(Wait::Poll);
  return seen.tid > 0 && !stands(seen.tid) ? seen : Seen{};
}

// Keeps the thread where it stands. Nothing: the stop is handled as any other.
std::optional<Attaching::Standing> Attaching::stand(const Seen& seen) {
  Thread* thread = parts_.tracees.thread(seen.tid);
  const bool is_kept = thread != nullptr && thread->process->attached && WIFSTOPPED(seen.status) &&
                       !makes_a_thread(seen.status) &&
                       !enters_syscall(StoppedThread(parts_.stops, seen));
  if (!is_kept) {
    parts_.handler.on_seen(seen);
    return std::nullopt;
  }
  Process& process = *thread->process;
  process.memory.begin_stop(seen.tid);
  Standing one{StoppedThread(parts_.stops, seen), 0};
  if (awaits_its_trap(one.stop)) {
    std::move(one.stop).resume(Resume::Run);  // as far as there: it counts as interrupted still
    return std::nullopt;
  }
  user_regs_struct regs{};
  if (one.stop.registers(regs)) {
    one.signal = signal_to_deliver(one.stop, process, regs);
    if (process.breaks != nullptr) BreakScopes::leave_thunk(one.stop, *thread, regs);
    if (is_interruption(one.stop) || one.stop.at_syscall()) issue_again(one.stop, regs);
  }
  parts_.stops.claim(seen.tid);
  parts_.records.end_scopes(*thread);
  return one;
}

// Collects the threads of all attached processes, standing still.
std::vector<Attaching::Standing> Attaching::stop_attached() {
  std::vector<Standing> standing;
  for (int waited = 0; waited < kPatienceMs;) {
    if (standing.size() >= ask_attached()) break;
    Seen seen = next_standing(standing);
    if (seen.tid <= 0) {
      usleep(1000);
      waited++;
    } else if (auto one = stand(seen)) {
      standing.push_back(std::move(*one));
    }
  }
  return standing;
}

// A thread that would not stop might still be in a thunk: then they stay.
void Attaching::unmap_thunks(const Process& process, std::vector<Standing>& standing) {
  unsigned count = 0;
  Standing* best = nullptr;
  for (Standing& one : standing) {
    if (parts_.tracees.threads.at(one.stop.tid())->process.get() != &process) continue;
    count++;
    if (best == nullptr || best->signal != 0) best = &one;
  }
  if (best == nullptr || count < process.threads) return;
  process.breaks->unmap(best->stop, parts_.tracees.processes.at(process.pid)->memory);
  // What it was to get went with the stop it stood in.
  if (int lost = std::exchange(best->signal, 0); lost != 0)
    syscall(SYS_tgkill, process.pid, best->stop.tid(), lost);
}

// A stop's signal is delivered as it is: the shim's handlers know what to do without a tracer.
void Attaching::leave_all() {
  auto& threads = parts_.tracees.threads;
  for (int waited = 0; waited < kPatienceMs && !threads.empty();) {
    for (const auto& [tid, thread] : threads)
      if (!thread->interrupted) ask_to_stop(*thread);
    const Seen seen = parts_.stops.next(Wait::Poll);
    if (seen.tid <= 0) {
      usleep(1000);
      waited++;
      continue;
    }
    Thread* thread = parts_.tracees.thread(seen.tid);
    if (thread == nullptr || !WIFSTOPPED(seen.status) || makes_a_thread(seen.status)) {
      parts_.handler.on_seen(seen);
      continue;
    }
    StoppedThread stop(parts_.stops, seen);
    const bool is_signal = stop.event() == 0 && !stop.at_syscall();
    const int signal = is_signal ? stop.signal() : 0;
    parts_.records.end_scopes(*thread);
    let_go(std::move(stop), *thread, signal);
  }
}

void Attaching::detach_all() {
  for (const auto& [pid, process] : parts_.tracees.processes) free_of_breakpoints(*process);
  std::vector<Standing> standing = stop_attached();
  for (const auto& [pid, process] : parts_.tracees.processes) {
    if (!process->attached || process->breaks == nullptr || process->shares_text) continue;
    process->breaks->remove_all(process->memory);  // it may be a child that came meanwhile
    unmap_thunks(*process, standing);
  }
  for (Standing& one : standing) {
    Thread& thread = *parts_.tracees.threads.at(one.stop.tid());
    let_go(std::move(one.stop), thread, one.signal);
  }
}

}  // namespace wc
