// The loop, and what is common to all gates.
#include "engine/tracer.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "signals/interruption.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

constexpr uint64_t kTick = 100'000'000;  // nanoseconds between two looks at outputs and orphans

// Of one instruction, of the entry to a handler, or of a system call (arch/x86/kernel/ptrace.c).
bool is_end_of_step(const siginfo_t& info) {
  return info.si_code == TRAP_TRACE || info.si_code == SIGTRAP || info.si_code == TRAP_BRKPT;
}

// A breakpoint instruction, not a signal that somebody has sent.
bool is_from_kernel(const StoppedThread& stop) {
  siginfo_t info{};
  return stop.siginfo(info) && info.si_code == SI_KERNEL;
}

}  // namespace

Tracer::Tracer(TracerOptions options, ProgramTables& tables, Pipeline& pipeline, Kernel& kernel)
    : stops_(kernel),
      options_(std::move(options)),
      tables_(tables),
      pipeline_(pipeline),
      patcher_(options_.plans, options_.patched_libraries) {
  if (uses_breakpoints()) guardian_ = Guardian::start();
}

Tracer::~Tracer() = default;

void Tracer::say(int level, const std::string& text) const {
  if (options_.verbose >= level) dprintf(STDERR_FILENO, "wc-preload: %s\n", text.c_str());
}

// Until its shim has said hello, what is asked for.
wc_gate Tracer::gate_of(const Process& process) const {
  return process.gate != WC_GATE_OFF ? process.gate : options_.gate;
}

void Tracer::say_unwritable(Process& process) const {
  if (std::exchange(process.told_unwritable, true)) return;
  say(0, "process " + std::to_string(process.pid) +
             ": its memory cannot be written; a syscall of it fails with EAGAIN: use -g trap");
}

void Tracer::add_first(pid_t pid) {
  first_ = pid;
  add_thread(pid, add_process(pid));
}

Tracer::ProcessPtr Tracer::add_process(pid_t pid) {
  auto process = std::make_shared<Process>(pid, stops_.kernel());
  processes_[pid] = process;
  return process;
}

Thread& Tracer::add_thread(pid_t tid, ProcessPtr process) {
  process->threads++;
  count_threads(*process);
  auto& entry = threads_[tid];
  entry = std::make_unique<Thread>(tid, std::move(process));
  return *entry;
}

// ---- the loop

// The kernel tells the stops of the youngest thread first: two busy threads would keep all others
// waiting for ever. So, once for as many stops as there are threads, each is looked at in turn.
Seen Tracer::next_in_turn() {
  constexpr size_t kMany = 4;  // a round that found a fourth of the threads stopped is repeated
  if (turn_.empty() && threads_.size() > 1 &&
      (++stops_since_round_ >= threads_.size() || found_in_round_ * kMany >= threads_.size())) {
    stops_since_round_ = found_in_round_ = 0;
    for (const auto& [known, thread] : threads_) turn_.push_back(known);
  }
  while (!turn_.empty()) {
    pid_t tid = turn_.back();
    turn_.pop_back();
    if (!threads_.contains(tid)) continue;
    Seen seen = stops_.next_of(tid);
    if (seen.tid <= 0) continue;
    found_in_round_++;
    return seen;
  }
  return {};
}

Seen Tracer::wait_for_stop() {
  if (Seen seen = next_in_turn(); seen.tid > 0) return seen;
  return options_.gate == WC_GATE_SOCKET ? wait_by_descriptors() : wait_by_signal();
}

// A stop wakes its waiter also without SIGCHLD, which costs half a microsecond more.
static void no_signal_for_stops() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
}

Result<int> Tracer::run() {
  if (options_.gate == WC_GATE_SOCKET)
    open_gate_poll();
  else
    no_signal_for_stops();
  heartbeat_.start(options_.gate == WC_GATE_SOCKET ? WaitsFor::Descriptors : WaitsFor::Signal);
  while (!stop_) {
    if (threads_.empty() && unclaimed_.empty() && !options_.standing) break;
    Seen seen = wait_for_stop();
    bool stopped = seen.tid > 0;
    if (stopped) {
      end_rest();
      on_seen(seen);
    } else if (seen.tid == -ECHILD && !options_.standing) {
      break;
    }
    receive_signals();
    run_posted();
    if (!stopped || TickClock::now() >= next_tick_) on_tick();
  }
  if (stop_) detach_all();
  for (const auto& [pid, process] : processes_) report_totals(process);
  if (std::string text = unwrapped_.summary(); !text.empty()) say(0, text);
  if (unrecorded_calls_ != 0)
    say(0, std::to_string(unrecorded_calls_) +
               " calls of functions with breakpoints were not recorded: a process can have " +
               std::to_string(Breakpoints::kMost) + " breakpoints; select fewer functions");
  for (const std::string& glob : patcher_.unmet())
    say(0, "--patch " + glob + " had no effect: no program had such a library when it started");
  report_interpreters();
  if (std::string text = pipeline_.interpreters().last_word(); !text.empty()) say(0, text);
  if (failure_) return *failure_;
  return first_status_.value_or(0);
}

void Tracer::on_tick() {
  // Rings have one writer and one reader: looking while the threads run is allowed.
  size_t found = 0;
  for (const auto& [tid, thread] : threads_) {
    thread->process->memory.forget();  // it runs: what was read at its last stop is old
    found += drain(*thread, 0);
  }
  uint64_t now = TickClock::now();
  const bool in_process = options_.config & WC_CONFIG_IN_PROCESS;
  if (in_process || passed_.empty()) heartbeat_.found(in_process ? found : 0);
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  if (options_.config & WC_CONFIG_IN_PROCESS)
    for (const auto& [tid, thread] : threads_) announce_waiting(*thread);
  pipeline_.backends().flush(now);
  for (const std::string& error : pipeline_.backends().take_errors()) {
    say(0, error);
    output_failed_ = true;
  }
  report_interpreters();
  adopt_orphans();
  if (!places_in_.empty()) ask_another();
  rest_if_quiet();
}

void Tracer::on_seen(const Seen& seen) {
  if (WIFEXITED(seen.status) || WIFSIGNALED(seen.status)) return on_gone(seen);
  if (!WIFSTOPPED(seen.status)) return;
  auto known = threads_.find(seen.tid);
  if (known == threads_.end()) {
    // A child may stop before its parent's event arrives; the parent's event says what it is.
    stops_.claim(seen.tid);
    unclaimed_[seen.tid] = {seen.status, ticks_};
    return;
  }
  on_stop(StoppedThread(stops_, seen), *known->second);
}

void Tracer::resume(StoppedThread stop, Thread& thread, int signal) {
  // Any stop takes a pending interruption away; the bell is still to be answered.
  if (thread.awaits_bell || thread.interrupted) stop.interrupt_when_resumed();
  thread.process->memory.end_stop();
  // A thread resumed otherwise from the entry of a syscall would never show its exit.
  bool to_syscall = thread.armed || options_.whole_process || !thread.breaks.empty() ||
                    thread.in_syscall || thread.begins || thread.wait.own_stops;
  std::move(stop).resume(to_syscall ? Resume::ToSyscall : Resume::Run, signal);
}

void Tracer::on_stop(StoppedThread stop, Thread& thread) {
  thread.process->memory.begin_stop(stop.tid());
  wipe_forked(*thread.process);
  thread.stack.reset();
  if (thread.process->unfollowed && on_unfollowed(stop, thread)) return;
  if (stop.at_syscall()) return on_syscall_stop(std::move(stop), thread);
  if (stop.event() != 0) return on_event(std::move(stop), thread);
  on_signal(std::move(stop), thread);
}

void Tracer::on_event(StoppedThread stop, Thread& thread) {
  switch (stop.event()) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return on_new_child(std::move(stop), thread);
    case PTRACE_EVENT_EXIT:
      drain(thread, 0);
      if (options_.config & WC_CONFIG_STACKS) take_stack(thread, stop);
      return resume(std::move(stop), thread);
    case PTRACE_EVENT_VFORK_DONE:
      return on_vfork_done(std::move(stop), thread);
    case PTRACE_EVENT_EXEC:
      return on_exec(std::move(stop), thread);
    case PTRACE_EVENT_STOP:
      if (thread.interrupted) on_asked_stop(stop, thread);
      if (is_stop_signal(stop.signal())) {
        thread.process->is_job_stopped = true;
        if (options_.whole_process)
          pipeline_.stopped(thread.process->pid, thread.tid, stop.signal());
        thread.process->memory.end_stop();
        std::move(stop).resume(Resume::Listen);
        return;
      }
      if (std::exchange(thread.is_new_child, false)) ignore_in_child(stop, thread);
      if (thread.awaits_bell) return on_interrupted(std::move(stop), thread);
      return resume(std::move(stop), thread);
    default:
      return resume(std::move(stop), thread);
  }
}

void Tracer::on_signal(StoppedThread stop, Thread& thread) {
  user_regs_struct regs{};
  const ShimAddresses& shim = thread.process->shim;
  Breakpoints* breaks = thread.process->breaks.get();
  bool has_registers = stop.registers(regs);
  bool has_shim = shim.bell != 0 && has_registers;
  if (breaks != nullptr && has_registers) {
    if (stop.signal() == SIGTRAP && breaks->behind(regs.rip) != nullptr && is_from_kernel(stop))
      return on_breakpoint(std::move(stop), thread, regs);
    leave_thunk(stop, thread, regs);
    settle_return(stop, thread, regs);
  }
  if (has_registers && stop.signal() == SIGTRAP && is_hello(thread, regs))
    return on_ask(std::move(stop), thread, regs);
  if (has_shim && stop.signal() == SIGTRAP) {
    // A breakpoint at one of these two places is nobody else's.
    if (regs.rip == shim.gadget + 3) return on_gadget_return(std::move(stop), thread, regs);
    if (regs.rip == shim.bell && regs.rdi >= WC_SLOTS) return on_ask(std::move(stop), thread, regs);
    if (regs.rip == shim.bell) return on_bell(std::move(stop), thread, regs);
  }
  siginfo_t info{};
  const int signal = stop.signal();
  if (!stop.siginfo(info)) return resume(std::move(stop), thread, signal);
  if (std::exchange(thread.steps_into_handler, false) && signal == SIGTRAP &&
      is_end_of_step(info)) {
    if (info.si_code == SIGTRAP)
      on_handler(stop, thread, regs);  // ptrace_notify(), kernel/signal.c
    return resume(std::move(stop), thread);
  }
  bool is_fault = (signal == SIGSEGV || signal == SIGBUS) && info.si_code > 0;
  if (has_shim && is_fault && regs.rip >= shim.copy && regs.rip < shim.copy_end) {
    // The shim reads what the program has named: that may be no memory.
    if (stop.set_ip(shim.copy_end)) resume(std::move(stop), thread);
    return;
  }
  passed_.arrived(thread.process->pid, info, TickClock::now());
  constexpr int kUserDispatch = 2;  // SYS_USER_DISPATCH
  if (has_shim && !thread.own_dispatch) (void)find_lost_dispatch(thread, regs, info);
  if (has_shim && info.si_signo == SIGSYS && info.si_code == kUserDispatch &&
      gate_of(*thread.process) == WC_GATE_DISPATCH && !thread.own_dispatch)
    return on_dispatched(std::move(stop), thread, regs, info);
  if (has_shim && info.si_signo == SIGSEGV &&
      (read_clock_for_shim(stop, thread, regs) ||
       (info.si_code == SEGV_MAPERR &&
        map_shared_again(stop, thread, regs, reinterpret_cast<uint64_t>(info.si_addr)))))
    return resume(std::move(stop), thread);
  if (has_registers && force_as_blocked(stop, thread, regs, info))
    return resume(std::move(stop), thread);
  bool interrupts = has_registers && static_cast<int64_t>(regs.rax) == -EINTR;
  if (interrupts && is_ignored(thread.process->pid, info.si_signo))
    issue_in_time(stop, thread, regs);
  else if (interrupts && restore_limit(thread, regs))
    (void)stop.set_registers(regs);  // where this fails the thread is dying
  // A wait that job control ends fails as it would without a tracer, also where it is SIGCONT that
  // the thread is seen to meet. Whether the others of its kind stop it, is seen by the stop.
  if (signal == SIGSTOP) thread.process->is_job_stopped = true;
  if (signal == SIGCONT) thread.process->is_job_stopped = false;
  bool has_slot = has_shim && share_of(thread) != nullptr;
  if (has_slot || !thread.breaks.empty()) {
    drain(thread, regs.rsp);
    complete_pending(thread, regs);
    park_interrupted(stop, thread, regs);
    auto wrapped = wrapped_scopes(thread, regs.rsp);
    // What was left by longjmp is told apart here only: the handler may run on another stack.
    if (has_slot && !thread.shares.active)
      share_of(thread)->set_depth(static_cast<uint32_t>(thread.slot),
                                  static_cast<uint32_t>(wrapped.size()));
    auto scopes = live_scopes(thread, regs.rsp);
    drop_missing(thread, scopes);
    if (!scopes.empty()) note_handler(thread, info.si_signo, regs.rsp, scopes.back());
  }
  if (has_slot) correct_call_address(stop, info, regs);
  pipeline_.signalled(thread.process->pid, thread.tid, info.si_signo, &info);
  if (thread.left_way) set_out_again(stop, thread, signal, regs);
  if (is_dropped(thread, info)) return resume(std::move(stop), thread);
  if (may_run_blocked(thread, signal)) {
    thread.steps_into_handler = true;
    thread.process->memory.end_stop();
    return std::move(stop).resume(Resume::Step, signal);
  }
  resume(std::move(stop), thread, info.si_signo);
}

// A program may forbid itself to read the time-stamp counter (PR_SET_TSC in prctl(2)); the shim's
// time stamps are none of its business.
bool Tracer::read_clock_for_shim(const StoppedThread& stop, Thread& thread,
                                 user_regs_struct& regs) {
  constexpr std::array<uint8_t, 2> kRdtsc = {0x0f, 0x31};
  std::array<uint8_t, 2> code{};
  if (!in_shim(*thread.process, regs.rip) ||
      !thread.process->memory.read_all({regs.rip}, code.data(), code.size()) || code != kRdtsc)
    return false;
  uint64_t now = __builtin_ia32_rdtsc();
  regs.rax = now & 0xffffffff;
  regs.rdx = now >> 32;
  regs.rip += kRdtsc.size();
  return stop.set_registers(regs);
}

// ---- scopes

ProcessShare* Tracer::share_of(const Thread& thread) const {
  return thread.slot < 0 ? nullptr : thread.process->share.get();
}

// `sp`: where the thread stands. A call's syscalls end before it does, also those it was left in.
// Returns how many places of the ring were taken.
size_t Tracer::drain(Thread& thread, uint64_t sp) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr) {
    if (!thread.breaks.empty()) drop_left_syscalls(thread, sp);
    return 0;
  }
  // In this order: a syscall on the landing pad is complete before its call's record is written,
  // and the thread may be running.
  auto slot = static_cast<uint32_t>(thread.slot);
  bool has_audience = pipeline_.backends().has_audience() && is_reported(thread);
  if (!has_audience && thread.calls.calls().empty()) {
    size_t found = share->discard(slot);
    complete_landed(thread);
    return found;
  }
  auto records = share->drain(slot);
  if (share->found_impossible_ring()) on_corrupt_ring(thread);
  complete_landed(thread);
  drop_left_syscalls(thread, sp);
  digest(thread, records);
  return records.size();
}

void Tracer::digest(Thread& thread, std::span<const wc_record> records) {
  if (records.empty()) return report_dropped(thread);
  const bool tells = options_.config & WC_CONFIG_DROP;
  uint32_t& busy = share_of(thread)->header().busy;
  if (tells) __atomic_store_n(&busy, 1u, __ATOMIC_RELEASE);
  RecordReader reader(records);
  EventSource source = thread.source();
  source.stack.reset();  // the thread has gone on since
  bool whole = true;
  RecordView view, next;
  for (bool more = reader.next(view); more; view = next) {
    more = reader.next(next);
    if (view.type == WC_RECORD_RETURN || view.type == WC_RECORD_UNWOUND)
      end_syscalls_from(thread, thread.calls.position(view.head.seq));
    whole = pipeline_.record(source, view, more ? &next : nullptr) && whole;
  }
  // A thread that was killed may have been writing.
  if ((reader.corrupt() || !whole) && !thread.ended) on_corrupt_ring(thread);
  if (tells) __atomic_store_n(&busy, 0u, __ATOMIC_RELEASE);
  report_dropped(thread);
}

// The program has written over its ring: what was in it is lost, the rest goes on.
void Tracer::on_corrupt_ring(Thread& thread) {
  pipeline_.lost(thread.process->pid, 1);
  if (std::exchange(thread.process->told_corrupt, true)) return;
  say(0, "process " + std::to_string(thread.process->pid) +
             " has overwritten the memory that it shares with the tracer; events of it are lost");
}

void Tracer::drop_missing(Thread& thread, std::span<const wc_scope> scopes) {
  end_syscalls_from(thread, thread.calls.common(scopes));
  pipeline_.drop_missing(thread.source(), scopes);
}

// The calls from `position` on are over, and so are syscalls in them that never came back.
void Tracer::end_syscalls_from(Thread& thread, size_t position) {
  const auto& calls = thread.calls.calls();
  auto is_over = [&](const Inflight& one) {
    return one.syscall.reported &&
           std::any_of(calls.begin() + static_cast<ptrdiff_t>(position), calls.end(),
                       [&](const OpenCall& call) { return call.id == one.syscall.call; });
  };
  for (Inflight& one : thread.inflight)
    if (is_over(one)) {
      pipeline_.syscall_ended(thread.source(), one.syscall);
      one.syscall.reported = false;  // where it goes on is still needed if it comes back after all
    }
}

// Those that the shim has opened.
std::span<const wc_scope> Tracer::wrapped_scopes(Thread& thread, uint64_t sp) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr) return {};
  auto scopes = share->scopes(static_cast<uint32_t>(thread.slot));
  if (thread.shares.active)
    scopes = scopes.subspan(std::min<size_t>(thread.shares.base_depth, scopes.size()));
  drop_left_handlers(thread, sp);
  return CallStack::alive(scopes, sp, thread.handlers);
}

void Tracer::report_calls(Thread& thread, std::span<const wc_scope> scopes, bool for_syscall) {
  ProcessShare* share = share_of(thread);
  if ((share == nullptr && thread.breaks.empty()) || !is_reported(thread)) return;
  EventSource source = thread.source();
  drop_missing(thread, scopes);
  size_t known = source.calls->calls().size();
  pipeline_.open_calls(source, scopes, for_syscall, options_.config & WC_CONFIG_CALL_TIME);
  uint32_t depth = thread.shares.active ? thread.shares.base_depth : 0;
  for (size_t i = 0; i < scopes.size(); i++) {
    if (scopes[i].function & kBreakFunction) continue;  // the tracer's own
    if (i >= known && share != nullptr)
      share->mark_reported(static_cast<uint32_t>(thread.slot), depth);
    depth++;
  }
}

void Tracer::on_bell(StoppedThread stop, Thread& thread, const user_regs_struct& regs) {
  ProcessShare* share = thread.process->share.get();
  if (share != nullptr && share->valid_slot(regs.rdi)) {
    if (options_.config & WC_CONFIG_IN_PROCESS) heartbeat_.quicken();
    patch_sites(thread);
    auto slot = static_cast<uint32_t>(regs.rdi);
    if (make_room(stop, thread, slot, regs.rsp)) return;
    if (options_.config & WC_CONFIG_ALL_CALLS) take_stack(thread, regs);
    answer_bell(thread, slot, regs.rsp);
  }
  resume(std::move(stop), thread);
}

// The thread rang for one of these: it opens or closes its gate, its ring is full, all calls are
// wanted, a call returns with values in memory.
void Tracer::answer_bell(Thread& thread, uint32_t slot, uint64_t sp) {
  ProcessShare* share = thread.process->share.get();
  if (thread.slot != static_cast<int>(slot)) return;
  drain(thread, sp);
  wc_slot& shared = share->slot(slot);
  shared.wants_room = 0;
  if (gate_of(*thread.process) != WC_GATE_DISPATCH || thread.shares.active) {
    if (!thread.shares.active) {
      uint32_t want = shared.gate_want != 0 || options_.whole_process ? 1 : 0;
      shared.gate_open = want;
      thread.armed = want != 0;
    }
  } else if (shared.gate_want != 0 || thread.armed) {
    // A shim that could not arm dispatch rings as under gate trap.
    shared.gate_open = shared.gate_want != 0 ? 1 : 0;
    thread.armed = shared.gate_open != 0;
  }
  auto scopes = live_scopes(thread, sp);
  if (options_.config & WC_CONFIG_ALL_CALLS)
    report_calls(thread, scopes, false);
  else
    drop_missing(thread, scopes);
}

void Tracer::end_inflight(Thread& thread) {
  complete_landed(thread);
  while (!thread.inflight.empty()) {
    Inflight last = std::move(thread.inflight.back());
    thread.inflight.pop_back();
    if (last.syscall.reported) pipeline_.syscall_ended(thread.source(), last.syscall);
  }
}

// The thread's calls end here: exec, exit, death.
void Tracer::end_scopes(Thread& thread) {
  end_inflight(thread);
  drain(thread, 0);
  thread.ended = true;
  if (ProcessShare* share = share_of(thread); share != nullptr && !thread.shares.active)
    share->publish_all(static_cast<uint32_t>(thread.slot));
  drain(thread, 0);
  end_pending(thread);
  report_too_deep(thread);
  thread.ended = false;
  drop_missing(thread, {});
  while (!thread.breaks.empty()) pop_break(thread);
}

void Tracer::end_sharing(Thread& thread) {
  if (!thread.shares.active) return;
  if (ProcessShare* share = share_of(thread)) {
    auto slot = static_cast<uint32_t>(thread.slot);
    share->set_depth(slot, thread.shares.base_depth);
    share->slot(slot).gate_open = thread.shares.gate_open;
  }
  thread.shares = {};
  thread.slot = -1;
}

void Tracer::report_totals(const ProcessPtr& process) {
  ProcessShare* share = process->share.get();
  bool counts = options_.config & WC_CONFIG_COUNTS;
  if (counts && process->break_table != nullptr)
    report_counts(process->pid, *process->break_table, process->break_counts);
  if (share == nullptr || process->table == nullptr) return;
  if (uint32_t lost = share->header().exhausted; lost != 0) pipeline_.lost(process->pid, lost);
  if (!counts) return;
  bool is_span = options_.main_only;  // main may never have been entered, or not been left
  if (is_span && process->main.state == MainSpan::State::Before) return;
  const auto now = is_span ? main_counts(*process) : wrapped_counts(*process);
  report_counts(process->pid, *process->table, now);
  report_own_scopes(*process, share->header().own_scopes, now);
}

// They stand behind those of the wrapped functions.
void Tracer::report_own_scopes(Process& process, std::span<const uint64_t> names,
                               const std::vector<wc_counter>& counts) {
  EventSource source{.pid = process.pid,
                     .memory = &process.memory,
                     .table = process.table.get(),
                     .own_scopes = &process.own_scopes};
  const size_t first = process.table->functions.size();
  for (size_t i = first; i < counts.size(); i++) {
    auto row = static_cast<uint32_t>(i - first);
    if (counts[i].calls != 0)
      pipeline_.totals(process.pid, pipeline_.own_scope(source, row, names[row]), counts[i]);
  }
}

void Tracer::report_counts(pid_t pid, const FunctionTable& table,
                           const std::vector<wc_counter>& counts) {
  for (size_t i = 0; i < table.functions.size() && i < counts.size(); i++)
    if (counts[i].calls != 0) pipeline_.totals(pid, table.functions[i], counts[i]);
}

}  // namespace wc
