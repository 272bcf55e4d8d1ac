// Processes that run already: how they come under the tracer, and how they are left as they were.
//
// All threads are seized first; seizing stops nobody. From then on a breakpoint that any of them
// meets waits for the tracer. One thread is stopped, to map the thunks' pages in its name, and
// those that might be making a child at this moment: it would be born with breakpoints and without
// a tracer. Threads that wait in other system calls are left alone. To leave, the text is put back,
// all threads are stopped for a moment, so that none is in a thunk while the pages go, and let go.
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "signals/interruption.h"
#include "engine/tracer.h"
#include "proc/process.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

constexpr int kRounds = 1000;  // looks for new threads, of which each may have made more
constexpr uint64_t kPatienceTicks = 20;
constexpr int kPatienceMs = 2000;  // for threads that do not stop: in a device's hands, say

// Let go here, it would be told of an interruption that is still to come, as if by a signal.
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

// A thread that is seized brings the threads that it makes from then on; so it is done when a look
// finds no new one.
Status Tracer::seize_all(const ProcessPtr& process) {
  for (int round = 0, fresh = 1; fresh != 0 && round < kRounds; round++) {
    fresh = 0;
    for (pid_t tid : proc::threads_of(process->pid)) {
      if (threads_.contains(tid)) continue;
      int error = seize(stops_.kernel(), tid, follows_forks());
      if (error == 0) {
        add_thread(tid, process);
        fresh++;
      } else if (error != ESRCH && process->threads == 0) {
        return Error{"", error};  // the caller knows why that may be
      }
      // EPERM for others: it has come with its parent already, whose event will tell of it.
    }
  }
  if (process->threads == 0) return Error{"", ESRCH};
  return Done{};
}

Status Tracer::attach(pid_t pid) {
  ProcessPtr process = add_process(pid);
  process->started = process->attached = true;
  if (auto seized = seize_all(process); !seized) {
    remove_process(process);
    return seized;
  }
  pipeline_.started(pid, proc::exe_path(pid));
  process->breaks = std::make_shared<Breakpoints>(pid, guardian_.get());
  process->break_table = std::make_shared<FunctionTable>();
  process->main.state = MainSpan::State::In;
  // In full-process mode every thread must stop once, to be resumed to its next syscall.
  if (uses_breakpoints()) places_in_.insert(process->pid);
  Thread* first = nullptr;
  bool any = false;
  for (const auto& [tid, thread] : threads_) {
    if (thread->process != process) continue;
    if (first == nullptr) first = thread.get();
    if (!options_.whole_process && !may_be_forking(tid)) continue;
    any = true;
    ask_to_stop(*thread);
  }
  if (!any) ask_to_stop(*first);
  return Done{};
}

void Tracer::ask_to_stop(Thread& thread) {
  thread.interrupted = true;
  interrupt(stops_.kernel(), thread.tid);
}

// Whether a stop of one of its threads that was asked for is still to come.
bool Tracer::awaits_stops(pid_t pid) const {
  return std::any_of(threads_.begin(), threads_.end(), [&](const auto& one) {
    return one.second->process->pid == pid && one.second->interrupted;
  });
}

// The first thread that stands still, after the process was attached to.
void Tracer::place_in_running(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  process.breaks->adopt(process.memory);
  protect(stop, thread);
  place_in_program(stop, thread);
  on_libraries_changed(stop, thread, Occasion::Attached);
  if (uint64_t event = LibraryWatch::event_address(process.pid, process.memory); event != 0)
    place_internal(stop, process, event, BreakRole::Libraries);
}

// A stop that was asked for.
void Tracer::on_asked_stop(StoppedThread& stop, Thread& thread) {
  thread.interrupted = false;
  user_regs_struct regs{};
  if (stop.registers(regs)) issue_again(stop, regs);
  const pid_t pid = thread.process->pid;
  bool is_to_place = places_in_.contains(pid);
  if (!is_to_place || (awaits_stops(pid) && ticks_ < kPatienceTicks)) return;
  places_in_.erase(pid);
  place_in_running(stop, thread);
}

// Those that were asked have ended, or are where they cannot stop: a vfork child has yet to exec.
void Tracer::ask_another() {
  for (const pid_t pid : places_in_) {
    if (awaits_stops(pid) && ticks_ < kPatienceTicks) continue;
    const auto found = std::find_if(threads_.begin(), threads_.end(), [&](const auto& one) {
      return one.second->process->pid == pid && !one.second->interrupted;
    });
    if (found != threads_.end()) ask_to_stop(*found->second);
  }
}

// ---- leaving

void Tracer::free_of_breakpoints(Process& process) {
  if (process.breaks != nullptr && !process.shares_text) process.breaks->remove_all(process.memory);
}

void Tracer::let_go(StoppedThread stop, Thread& thread, int signal) {
  pid_t tid = stop.tid();
  ProcessPtr process = thread.process;
  std::move(stop).detach(signal);
  threads_.erase(tid);
  if (--process->threads == 0) remove_process(process);
}

// A child that is not to be followed has its parent's breakpoints in its text. It is let go as soon
// as they are out; one that shares its parent's memory, when it execs.
bool Tracer::on_unfollowed(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  if (process.shares_text && stop.event() != PTRACE_EVENT_EXEC) return false;
  if (stop.event() != PTRACE_EVENT_EXEC) free_of_breakpoints(process);
  bool is_signal = stop.event() == 0 && !stop.at_syscall();
  int signal = is_signal ? stop.signal() : 0;
  let_go(std::move(stop), thread, signal);
  return true;
}

namespace {

// Our breakpoint, met before it was taken out, is no signal of the program's.
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

// Collects the threads of all attached processes, standing still, each with the signal that it is
// to get.
std::vector<Tracer::Standing> Tracer::stop_attached() {
  std::vector<Standing> standing;
  auto is_standing = [&](pid_t tid) {
    return std::any_of(standing.begin(), standing.end(),
                       [&](const Standing& one) { return one.stop.tid() == tid; });
  };
  size_t wanted = 0;
  for (int waited = 0; waited < kPatienceMs;) {
    wanted = 0;
    for (const auto& [tid, thread] : threads_) {
      if (!thread->process->attached) continue;
      wanted++;
      if (!thread->interrupted) ask_to_stop(*thread);
    }
    if (standing.size() >= wanted) break;
    Seen seen;
    for (const auto& [known, thread] : threads_) {
      if (!is_standing(known)) seen = stops_.next_of(known);
      if (seen.tid > 0) break;
    }
    // One that is not known yet, and brings its parent's event later.
    if (seen.tid <= 0) seen = stops_.next(Wait::Poll);
    if (seen.tid <= 0 || is_standing(seen.tid)) {
      usleep(1000);
      waited++;
      continue;
    }
    auto found = threads_.find(seen.tid);
    bool is_kept = found != threads_.end() && found->second->process->attached &&
                   WIFSTOPPED(seen.status) && !makes_a_thread(seen.status) &&
                   !enters_syscall(StoppedThread(stops_, seen));
    if (!is_kept) {
      on_seen(seen);
      continue;
    }
    Thread& thread = *found->second;
    Process& process = *thread.process;
    process.memory.begin_stop(seen.tid);
    Standing one{StoppedThread(stops_, seen), 0};
    if (awaits_its_trap(one.stop)) {
      std::move(one.stop).resume(Resume::Run);  // as far as there: it counts as interrupted still
      continue;
    }
    user_regs_struct regs{};
    if (one.stop.registers(regs)) {
      one.signal = signal_to_deliver(one.stop, process, regs);
      if (process.breaks != nullptr) leave_thunk(one.stop, thread, regs);
      if (is_interruption(one.stop) || one.stop.at_syscall()) issue_again(one.stop, regs);
    }
    stops_.claim(seen.tid);
    end_scopes(thread);
    standing.push_back(std::move(one));
  }
  return standing;
}

// The events that bring a thread or a process with them.
bool Tracer::makes_a_thread(int status) {
  int event = status >> 16;
  return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE ||
         event == PTRACE_EVENT_EXEC;
}

void Tracer::detach_all() {
  for (const auto& [pid, process] : processes_) free_of_breakpoints(*process);
  std::vector<Standing> standing = stop_attached();
  for (const auto& [pid, process] : processes_) {
    if (!process->attached || process->breaks == nullptr || process->shares_text) continue;
    process->breaks->remove_all(process->memory);  // it may be a child that came meanwhile
    unsigned here = 0;
    Standing* best = nullptr;
    for (Standing& one : standing) {
      if (threads_.at(one.stop.tid())->process != process) continue;
      here++;
      if (best == nullptr || best->signal != 0) best = &one;
    }
    // A thread that would not stop might still be in a thunk.
    if (best == nullptr || here < process->threads) continue;
    process->breaks->unmap(best->stop, process->memory);
    // What it was to get went with the stop it stood in.
    if (int lost = std::exchange(best->signal, 0); lost != 0)
      syscall(SYS_tgkill, process->pid, best->stop.tid(), lost);
  }
  for (Standing& one : standing) {
    Thread& thread = *threads_.at(one.stop.tid());
    let_go(std::move(one.stop), thread, one.signal);
  }
}

}  // namespace wc
