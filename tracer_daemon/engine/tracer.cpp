// The loop, and what is common to all gates: who is traced, how they come and go.
#include "engine/tracer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

constexpr uint64_t kTick = 100'000'000;  // nanoseconds between two looks at outputs and orphans
constexpr uint64_t kOrphanTicks = 3;     // that a child waits for its parent's event

pid_t status_field(pid_t tid, const char* field) {
  char path[48];
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  FILE* file = fopen(path, "re");
  if (file == nullptr) return 0;
  char line[128];
  int value = 0;
  size_t length = strlen(field);
  while (fgets(line, sizeof line, file) != nullptr)
    if (strncmp(line, field, length) == 0 && sscanf(line + length, ": %d", &value) == 1) break;
  fclose(file);
  return value;
}

std::string program_path(pid_t pid) {
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/%d/exe", pid);
  ssize_t n = readlink(link, path, sizeof path);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : std::string();
}

bool is_stop_signal(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool concerns_affinity(uint32_t nr) {
  return nr == SYS_sched_getaffinity || nr == SYS_sched_setaffinity;
}

}  // namespace

Tracer::Tracer(TracerOptions options, ProgramTables& tables, Pipeline& pipeline)
    : options_(options),
      tables_(tables),
      pipeline_(pipeline),
      patcher_(options_.plans),
      tracer_tid_(gettid()) {}

Tracer::~Tracer() = default;

void Tracer::say(int level, const std::string& text) const {
  if (options_.verbose >= level) dprintf(STDERR_FILENO, "wc-preload: %s\n", text.c_str());
}

void Tracer::add_first(pid_t pid) {
  first_ = pid;
  add_thread(pid, add_process(pid));
}

Tracer::ProcessPtr Tracer::add_process(pid_t pid) {
  auto process = std::make_shared<Process>(pid);
  std::lock_guard lock(session_mutex_);
  processes_[pid] = process;
  return process;
}

Thread& Tracer::add_thread(pid_t tid, ProcessPtr process) {
  process->threads++;
  auto& entry = threads_[tid];
  entry = std::make_unique<Thread>(tid, std::move(process));
  return *entry;
}

// ---- the loop

// The kernel tells the stops of the youngest thread first: two busy threads would keep all others
// waiting for ever. So, once for as many stops as there are threads, each is looked at in turn.
bool Tracer::next_in_turn(pid_t& tid, int& status) {
  constexpr size_t kMany = 4;  // a round that found a fourth of the threads stopped is repeated
  if (turn_.empty() && threads_.size() > 1 &&
      (++stops_since_round_ >= threads_.size() || found_in_round_ * kMany >= threads_.size())) {
    stops_since_round_ = found_in_round_ = 0;
    for (const auto& [known, thread] : threads_) turn_.push_back(known);
  }
  while (!turn_.empty()) {
    tid = turn_.back();
    turn_.pop_back();
    if (!threads_.contains(tid) || !stop_of(tid, status)) continue;
    found_in_round_++;
    return true;
  }
  return false;
}

bool Tracer::wait_for_stop(pid_t& tid, int& status) {
  if (next_in_turn(tid, status)) return true;
  if (options_.gate == WC_GATE_SOCKET) {
    // Stops and messages both matter: wait for either.
    tid = next_stop(false, status);
    if (tid == 0) {
      poll_gate_connections(kTick / 1'000'000);
      tid = next_stop(false, status);
    }
  } else {
    tid = next_stop(true, status);  // a timer's signal ends it ten times a second
  }
  if (tid > 0) return true;
  if (tid < 0 && errno == ECHILD && options_.standing) {
    constexpr useconds_t kIdle = 20'000;
    usleep(kIdle);
  }
  return false;
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
  while (!stop_) {
    if (threads_.empty() && unclaimed_.empty() && !options_.standing) break;
    pid_t tid = 0;
    int status = 0;
    bool stopped = wait_for_stop(tid, status);
    if (stopped) {
      on_status(tid, status);
    } else if (tid < 0 && errno == ECHILD && !options_.standing) {
      break;
    }
    if (forwarded_ != 0 && first_ != 0) kill(first_, std::exchange(forwarded_, 0));
    run_posted();
    if (!stopped || TickClock::now() >= next_tick_) on_tick();
  }
  for (const auto& [pid, process] : processes_) report_totals(process);
  if (failure_) return *failure_;
  return first_status_.value_or(0);
}

void Tracer::on_tick() {
  uint64_t now = TickClock::now();
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  // Rings have one writer and one reader: looking while the threads run is allowed.
  for (const auto& [tid, thread] : threads_) drain(*thread, 0);
  pipeline_.backends().flush(now);
  for (const std::string& error : pipeline_.backends().take_errors()) {
    say(0, error);
    output_failed_ = true;
  }
  adopt_orphans();
}

void Tracer::on_status(pid_t tid, int status) {
  if (WIFEXITED(status) || WIFSIGNALED(status)) {
    on_gone(tid, status);
    return;
  }
  if (!WIFSTOPPED(status)) return;
  cpu_.stopped(tid);
  auto known = threads_.find(tid);
  if (known == threads_.end()) {
    // A child may stop before its parent's event arrives; the parent will tell what it is.
    claim(tid);
    unclaimed_[tid] = {status, ticks_};
    return;
  }
  known->second->process->memory.forget();
  on_stop(StoppedThread(tid, status), *known->second);
}

void Tracer::resume(StoppedThread stop, Thread& thread, int signal) {
  // Any stop takes a pending interruption away; the bell is still to be answered.
  if (thread.awaits_bell) ptrace(PTRACE_INTERRUPT, thread.tid, nullptr, nullptr);
  Resume how = thread.armed || options_.whole_process ? Resume::ToSyscall : Resume::Run;
  // The follower changes the affinity that these read or set.
  if (!thread.inflight.empty() && concerns_affinity(thread.inflight.back().syscall.nr))
    return std::move(stop).resume(how, signal);
  cpu_.resume(std::move(stop), how, signal);
}

void Tracer::on_stop(StoppedThread stop, Thread& thread) {
  if (stop.at_syscall()) return on_syscall_stop(std::move(stop), thread);
  if (stop.event() != 0) return on_event(std::move(stop), thread);
  on_signal(std::move(stop), thread);
}

void Tracer::on_event(StoppedThread stop, Thread& thread) {
  switch (stop.event()) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: return on_new_child(std::move(stop), thread);
    case PTRACE_EVENT_VFORK_DONE: return on_vfork_done(std::move(stop), thread);
    case PTRACE_EVENT_EXEC: return on_exec(std::move(stop), thread);
    case PTRACE_EVENT_STOP:
      if (is_stop_signal(stop.signal())) {
        if (options_.whole_process)
          pipeline_.stopped(thread.process->pid, thread.tid, stop.signal());
        cpu_.resume(std::move(stop), Resume::Listen, 0);
        return;
      }
      if (thread.awaits_bell) return on_interrupted(std::move(stop), thread);
      return resume(std::move(stop), thread);
    default: return resume(std::move(stop), thread);
  }
}

void Tracer::on_signal(StoppedThread stop, Thread& thread) {
  user_regs_struct regs{};
  const ShimAddresses& shim = thread.process->shim;
  bool has_shim = shim.bell != 0 && stop.registers(regs);
  if (has_shim && stop.signal() == SIGTRAP) {
    // A breakpoint at one of these two places is nobody else's.
    if (regs.rip == shim.gadget + 3) return on_gadget_return(std::move(stop), thread, regs);
    if (regs.rip == shim.bell) return on_bell(std::move(stop), thread, regs);
  }
  bool is_fault = stop.signal() == SIGSEGV || stop.signal() == SIGBUS;
  if (has_shim && is_fault && regs.rip >= shim.copy && regs.rip < shim.copy_end) {
    // The shim reads what the program has named: that may be no memory.
    if (stop.set_ip(shim.copy_end)) resume(std::move(stop), thread);
    return;
  }
  siginfo_t info{};
  if (!stop.siginfo(info)) return resume(std::move(stop), thread, stop.signal());
  constexpr int kUserDispatch = 2;  // SYS_USER_DISPATCH
  if (has_shim && info.si_signo == SIGSYS && info.si_code == kUserDispatch &&
      options_.gate == WC_GATE_DISPATCH && !thread.own_dispatch)
    return on_dispatched(std::move(stop), thread, regs, info);
  if (has_shim && info.si_signo == SIGSEGV && read_clock_for_shim(stop, thread, regs))
    return resume(std::move(stop), thread);
  if (has_shim && share_of(thread) != nullptr) {
    drain(thread, regs.rsp);
    park_interrupted(stop, thread, regs);
    auto scopes = live_scopes(thread, regs.rsp);
    drop_missing(thread, scopes);
    // What was left by longjmp is told apart here only: the handler may run on another stack.
    if (!thread.shares.active)
      share_of(thread)->set_depth(static_cast<uint32_t>(thread.slot), static_cast<uint32_t>(scopes.size()));
    if (!scopes.empty()) note_handler(thread, info.si_signo, regs.rsp);
  }
  pipeline_.signalled(thread.process->pid, thread.tid, info.si_signo, &info);
  resume(std::move(stop), thread, info.si_signo);
}

// A program may forbid itself to read the time-stamp counter (PR_SET_TSC in prctl(2)); the shim's time
// stamps are none of its business.
bool Tracer::read_clock_for_shim(const StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
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

ProcessShare* Tracer::share_of(Thread& thread) const {
  return thread.slot < 0 ? nullptr : thread.process->share.load(std::memory_order_acquire);
}

// `sp`: where the thread stands. A call's syscalls end before it does, also those it was left in.
void Tracer::drain(Thread& thread, uint64_t sp) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr) return;
  // In this order: a syscall on the landing pad is complete before its call's record is written, and
  // the thread may be running.
  auto records = share->drain(static_cast<uint32_t>(thread.slot));
  complete_landed(thread);
  drop_left_syscalls(thread, sp);
  RecordReader reader(records);
  bool whole = true;
  RecordView view, next;
  for (bool more = reader.next(view); more; view = next) {
    more = reader.next(next);
    if (view.type == WC_RECORD_RETURN || view.type == WC_RECORD_UNWOUND)
      end_syscalls_from(thread, thread.calls.position(view.head->seq));
    whole = pipeline_.record(thread.source(), view, more ? &next : nullptr,
                             !thread.handlers.empty()) && whole;
  }
  if (reader.corrupt() || !whole) on_corrupt_ring(thread);
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

std::span<const wc_scope> Tracer::live_scopes(Thread& thread, uint64_t sp) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr) return {};
  auto scopes = share->scopes(static_cast<uint32_t>(thread.slot));
  if (thread.shares.active) scopes = scopes.subspan(std::min<size_t>(thread.shares.base_depth, scopes.size()));
  drop_left_handlers(thread, sp);
  return CallStack::alive(scopes, sp, thread.handlers);
}

void Tracer::report_calls(Thread& thread, std::span<const wc_scope> scopes, bool for_syscall) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr) return;
  EventSource source = thread.source();
  drop_missing(thread, scopes);
  size_t known = source.calls->calls().size();
  pipeline_.open_calls(source, scopes, for_syscall, options_.config & WC_CONFIG_CALL_TIME);
  uint32_t base = thread.shares.active ? thread.shares.base_depth : 0;
  for (size_t i = known; i < scopes.size(); i++)
    share->mark_reported(static_cast<uint32_t>(thread.slot), base + static_cast<uint32_t>(i));
}

void Tracer::on_bell(StoppedThread stop, Thread& thread, const user_regs_struct& regs) {
  ProcessShare* share = thread.process->share.load(std::memory_order_acquire);
  if (share != nullptr && share->valid_slot(regs.rdi)) {
    patch_sites(thread);
    answer_bell(thread, static_cast<uint32_t>(regs.rdi), regs.rsp);
  }
  resume(std::move(stop), thread);
}

// Engine inproc, at the process's first bell.
void Tracer::patch_sites(Thread& thread) {
  Process& process = *thread.process;
  if (!(options_.config & WC_CONFIG_IN_PROCESS) || std::exchange(process.patched, true)) return;
  std::string who = "process " + std::to_string(process.pid) + ": ";
  if (process.threads != 1) return say(1, who + "has threads already; no syscall site is patched");
  auto outcome = patcher_.patch(process);
  if (!outcome.problem.empty()) return say(1, who + outcome.problem + "; all is left to dispatch");
  say(1, who + std::to_string(outcome.patched) + " syscall sites patched, " +
             std::to_string(outcome.left) + " left to dispatch");
}

// The thread rang for one of these: it has just got its slot, it opens or closes its gate, its
// ring is full, all calls are wanted, a call returns with values in memory.
void Tracer::answer_bell(Thread& thread, uint32_t slot, uint64_t sp) {
  ProcessShare* share = thread.process->share.load(std::memory_order_acquire);
  if (thread.slot < 0) thread.slot = static_cast<int>(slot);
  if (thread.slot != static_cast<int>(slot)) return;
  drain(thread, sp);
  wc_slot& shared = share->slot(slot);
  if (options_.gate != WC_GATE_DISPATCH || thread.shares.active) {
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

// Engine inproc: what the thread waited in when it ended.
void Tracer::end_pending(Thread& thread) {
  ProcessShare* share = share_of(thread);
  bool own = share != nullptr && !thread.shares.active;
  if (!own || !(options_.config & WC_CONFIG_IN_PROCESS)) return;
  for (const wc_pending& one : share->take_pending(static_cast<uint32_t>(thread.slot))) {
    wc_record places[3] = {{one.seq, 0, 0, WC_RECORD_SYSCALL | WC_RECORD_NO_RESULT | 3u << 16, 0}};
    wc_record_body body{one.tsc, one.nr, 0, {}};
    std::copy(std::begin(one.args), std::end(one.args), body.args);
    std::memcpy(places + 1, &body, sizeof body);
    RecordView view;
    if (RecordReader reader(places); reader.next(view))
      pipeline_.record(thread.source(), view, nullptr, !thread.handlers.empty());
  }
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
  end_pending(thread);
  drop_missing(thread, {});
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
  ProcessShare* share = process->share.load(std::memory_order_acquire);
  if (share == nullptr || process->table == nullptr) return;
  if (uint32_t lost = share->header().exhausted; lost != 0) pipeline_.lost(process->pid, lost);
  if (!(options_.config & WC_CONFIG_COUNTS)) return;
  const auto& functions = process->table->functions;
  for (uint32_t i = 0; i < functions.size(); i++)
    if (wc_counter counter = share->total(i); counter.calls != 0)
      pipeline_.totals(process->pid, functions[i], counter);
}

// ---- coming and going

void Tracer::on_new_child(StoppedThread stop, Thread& parent) {
  unsigned long message = 0;
  if (!stop.event_message(message)) return resume(std::move(stop), parent);
  auto child = static_cast<pid_t>(message);
  bool vfork = stop.event() == PTRACE_EVENT_VFORK;
  pid_t group = stop.event() == PTRACE_EVENT_CLONE ? status_field(child, "Tgid") : child;
  bool is_thread = group == parent.process->pid;
  drain(parent, 0);
  pipeline_.forked(parent.process->pid, parent.tid, child, is_thread);
  // Adopted, because its parent was kept waiting for long: it has run since, and is known.
  if (threads_.contains(child)) return resume(std::move(stop), parent);
  ProcessPtr process = parent.process;
  if (!is_thread) {
    process = add_process(group != 0 ? group : child);
    process->table = parent.process->table;
    process->shim = parent.process->shim;
    process->hidden_action_masks = parent.process->hidden_action_masks;
    process->added_nodefer = parent.process->added_nodefer;
    process->patched = parent.process->patched;
    process->started = true;
  }
  Thread& thread = add_thread(child, process);
  thread.hidden_mask = parent.hidden_mask;
  ProcessShare* share = share_of(parent);
  if (vfork && share != nullptr) {
    // It runs on its parent's memory, thread area included, while the parent is suspended: all
    // its syscalls are watched, those inside calls of its own are reported.
    auto slot = static_cast<uint32_t>(parent.slot);
    wc_slot& shared = share->slot(slot);
    thread.process->share_owner = parent.process->share_owner;
    thread.process->share = share;
    thread.slot = parent.slot;
    thread.shares = {true, std::min(shared.depth, WC_MAX_SCOPES), shared.gate_open};
    shared.gate_open = 1;
    thread.armed = true;
  }
  if (auto early = unclaimed_.find(child); early != unclaimed_.end()) {
    StoppedThread first(child, early->second.status);
    unclaimed_.erase(early);
    on_stop(std::move(first), thread);
  }
  resume(std::move(stop), parent);
}

// The child has left its parent's memory. It says so itself at its exec or end, but the parent may have
// opened calls of its own by then: what the child has changed is put back here, before it runs.
void Tracer::on_vfork_done(StoppedThread stop, Thread& parent) {
  unsigned long child = 0;
  if (stop.event_message(child))
    if (auto found = threads_.find(static_cast<pid_t>(child)); found != threads_.end()) {
      drain(*found->second, 0);
      end_sharing(*found->second);
    }
  resume(std::move(stop), parent);
}

// A stopped thread whose parent was killed before it could tell of it.
void Tracer::adopt(StoppedThread stop) {
  pid_t group = status_field(stop.tid(), "Tgid");
  if (group == 0) group = stop.tid();
  auto known = processes_.find(group);
  ProcessPtr process = known != processes_.end() ? known->second : add_process(group);
  if (known == processes_.end()) {
    pid_t parent = status_field(stop.tid(), "PPid");
    if (auto p = processes_.find(parent); p != processes_.end()) {
      process->table = p->second->table;
      process->shim = p->second->shim;
    }
    process->started = true;
  }
  Thread& thread = add_thread(stop.tid(), process);
  on_stop(std::move(stop), thread);
}

// A busy parent's event may take a while to be its turn: only those that have waited for whole ticks.
void Tracer::adopt_orphans() {
  ticks_++;
  std::vector<std::pair<pid_t, int>> orphans;
  for (const auto& [tid, first] : unclaimed_)
    if (ticks_ - first.tick > kOrphanTicks) orphans.emplace_back(tid, first.status);
  for (const auto& [tid, status] : orphans) {
    unclaimed_.erase(tid);
    adopt(StoppedThread(tid, status));
  }
}

void Tracer::on_exec(StoppedThread stop, Thread& thread) {
  // An exec from a thread that is not the leader: it takes the leader's id, all others are gone.
  unsigned long former = 0;
  Thread* self = &thread;
  pid_t pid = stop.tid();
  if (stop.event_message(former) && static_cast<pid_t>(former) != pid) {
    auto old = threads_.find(static_cast<pid_t>(former));
    if (old != threads_.end()) {
      end_scopes(thread);  // the leader's own
      auto moved = std::move(old->second);
      threads_.erase(old);
      moved->tid = pid;
      moved->process->threads--;
      threads_[pid] = std::move(moved);
      self = threads_[pid].get();
    }
  }
  ProcessPtr process = self->process;
  drain(*self, 0);
  // What has come back by itself first; then the execve that brought us here has succeeded.
  while (!self->inflight.empty()) {
    Inflight last = std::move(self->inflight.back());
    self->inflight.pop_back();
    if (last.syscall.reported)
      pipeline_.syscall_exit(self->source(), last.syscall, 0, TickClock::now());
  }
  drop_missing(*self, {});
  end_sharing(*self);
  report_totals(process);
  {
    std::lock_guard lock(session_mutex_);
    process->share = nullptr;
    process->share_owner.reset();
  }
  process->table = nullptr;
  process->shim = {};
  process->not_shim = {};
  process->added_nodefer = 0;
  process->hidden_action_masks = {};  // handlers do not survive an exec
  self->slot = -1;
  self->handlers.clear();
  self->armed = self->in_syscall = self->step_back = self->own_dispatch = false;
  pipeline_.forget_process(pid);
  std::string path = program_path(pid);
  if (process->started)
    pipeline_.executed(pid, pid, path);
  else
    pipeline_.started(pid, path);
  if (options_.wraps) prepare_program(stop, *self);
  process->started = true;
  resume(std::move(stop), *self);
}

// Chooses the functions and gives the new program its LD_PRELOAD.
void Tracer::prepare_program(const StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  bool first = !process.started && process.pid == first_;
  std::string path = program_path(process.pid);
  auto give_up = [&](const std::string& why) { say(1, path + " " + why + "; not wrapped"); };
  char proc_path[64];
  snprintf(proc_path, sizeof proc_path, "/proc/%d/exe", process.pid);
  auto image = read_image(proc_path, false);
  if (!image) return give_up("cannot be read: " + image.error().message);
  image->path = path;
  if (std::string why = refusal(*image); !why.empty()) return give_up(why);
  auto stack = read_exec_stack(stop, process.memory);
  if (!stack) return give_up(stack.error().message);
  if (stack->secure) return give_up("gains rights by its exec and loads no foreign libraries");
  auto prepared = tables_.prepare(*image, stack->ld_library_path, stack->ld_preload, first);
  if (!prepared) {
    if (first) failure_ = prepared.error();
    return give_up(prepared.error().message);
  }
  // ld.so complains in the program's name of what it cannot open: chroot, another user.
  struct stat there {}, owner {};
  std::string seen = "/proc/" + std::to_string(process.pid) + "/root" + prepared->table->stub_path;
  std::string self = "/proc/" + std::to_string(process.pid);
  if (stat(seen.c_str(), &there) != 0) return give_up("runs under another root folder");
  if (stat(self.c_str(), &owner) == 0 && owner.st_uid != geteuid() && owner.st_uid != 0)
    return give_up("runs as another user, who cannot read the run's folder");
  if (auto set = set_ld_preload(stop, process.memory, *stack, prepared->ld_preload); !set)
    return give_up(set.error().message);
  process.table = prepared->table;
  say(2, path + ": " + std::to_string(process.table->functions.size()) + " functions wrapped");
}

void Tracer::on_gone(pid_t tid, int status) {
  unclaimed_.erase(tid);
  auto found = threads_.find(tid);
  if (found == threads_.end()) return;
  Thread& thread = *found->second;
  ProcessPtr process = thread.process;
  end_scopes(thread);
  if (thread.shares.active)
    end_sharing(thread);
  else if (ProcessShare* share = share_of(thread))
    share->free_slot(static_cast<uint32_t>(thread.slot));
  bool last = --process->threads == 0;
  if (last) report_totals(process);
  pipeline_.exited(process->pid, tid, status, !last);
  threads_.erase(found);
  if (last) remove_process(process);
  if (tid == first_) first_status_ = status;
}

void Tracer::remove_process(const ProcessPtr& process) {
  pipeline_.forget_process(process->pid);
  std::lock_guard lock(session_mutex_);
  process->share = nullptr;
  process->share_owner.reset();
  processes_.erase(process->pid);
}

}  // namespace wc
