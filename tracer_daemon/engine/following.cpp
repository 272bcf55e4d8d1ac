#include "engine/following.h"

#include <linux/kcmp.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "events/tick_clock.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"

namespace wc {
namespace {

constexpr uint64_t kOrphanTicks = 3;  // that a child waits for its parent's event

// The process that a thread belongs to; 0: it has ended.
pid_t group_of(pid_t tid) {
  auto status = proc::read_status(tid);
  return status ? status->tgid : 0;
}

// Whether the child whose event the parent reports is a thread of it. The event does not say so:
// PTRACE_EVENT_FORK means that SIGCHLD is sent at the child's end, PTRACE_EVENT_VFORK that the
// parent waits. The child's status does not either, once the child has ended.
bool is_new_thread(const StoppedThread& stop, Process& parent, pid_t child) {
  user_regs_struct regs{};
  const uint64_t nr = stop.registers(regs) ? regs.orig_rax : ~0ull;
  if (nr == SYS_fork || nr == SYS_vfork) return false;
  if (nr == SYS_clone) return (regs.rdi & CLONE_THREAD) != 0;
  // The flags of clone3 are in memory, which another thread may have changed since.
  if (pid_t group = group_of(child); group != 0) return group == parent.pid;
  uint64_t flags = 0;
  return nr == SYS_clone3 && parent.memory.read_all({regs.rdi}, &flags, sizeof flags) &&
         (flags & CLONE_THREAD) != 0;
}

// Whether two processes run on the same memory (kcmp(2)). A vfork child does, and so may others.
bool share_memory(pid_t a, pid_t b, bool vfork) {
  long order = syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);
  return order < 0 ? vfork : order == 0;
}

}  // namespace

void Following::on_new_child(StoppedThread stop, Thread& parent) {
  unsigned long message = 0;
  if (!stop.event_message(message)) return resume(std::move(stop), parent);
  auto child = static_cast<pid_t>(message);
  bool vfork = stop.event() == PTRACE_EVENT_VFORK;
  bool is_thread = is_new_thread(stop, *parent.process, child);
  parts_.records.drain(parent, 0);
  bool is_followed = is_thread || (run_.options.follow && !parent.process->unfollowed);
  if (is_followed) run_.pipeline.forked(parent.process->pid, parent.tid, child, is_thread);
  // Adopted, because its parent was kept waiting for long: it has run since, and is known.
  if (parts_.tracees.threads.contains(child)) return resume(std::move(stop), parent);
  ProcessPtr process = parent.process;
  if (!is_thread) {
    process = parts_.tracees.add_process(child);
    inherit(*parent.process, *process, share_memory(parent.tid, child, vfork));
  }
  Thread& thread = parts_.tracees.add_thread(child, process);
  thread.hidden_mask = parent.hidden_mask;
  thread.mask_beside = parent.mask_beside;
  if (!is_thread) thread.interrupted_masks = parent.interrupted_masks;
  thread.is_new_child = !is_thread && parent.process->threads > 1;
  if (vfork) run_on_memory_of(parent, thread);
  if (auto early = unclaimed_.find(child); early != unclaimed_.end()) {
    StoppedThread first(parts_.stops, {child, early->second.status});
    unclaimed_.erase(early);
    parts_.handler.on_stop(std::move(first), thread);
  } else if (auto gone = gone_early_.find(child); gone != gone_early_.end()) {
    on_gone({child, gone->second.status});
  }
  resume(std::move(stop), parent);
}

// What a forked process has of its parent's, whoever reports it.
void Following::inherit(const Process& parent, Process& child, bool shares_memory) const {
  child.table = parent.table;
  child.shim = parent.shim;
  parts_.switching.inherit(child, parent);
  child.hidden_action_masks = parent.hidden_action_masks;
  child.added_nodefer = parent.added_nodefer;
  child.ignored = parent.ignored;
  child.handled = parent.handled;
  child.patched = parent.patched;
  child.started = true;
  child.unfollowed = !run_.options.follow || parent.unfollowed;
  // Now, for it may give up its rights at any moment.
  if (shares_memory)
    child.memory.share(parent.memory);
  else
    child.memory.open();
  child.is_to_be_wiped =
      !shares_memory && parent.share != nullptr && parent.share->header().kernel_wipes == 0;
  inherit_breakpoints(parent, child, shares_memory);
}

// A vfork child: it runs on its parent's memory, thread area included, while the parent is
// suspended. All its syscalls are watched, those inside calls of its own are reported.
void Following::run_on_memory_of(const Thread& parent, Thread& child) {
  ProcessShare* share = parent.share();
  if (share == nullptr) return;
  wc_slot& shared = share->slot(parent.slot_index());
  child.process->share = parent.process->share;
  child.process->gate = parent.process->gate;
  child.slot = parent.slot;
  child.shares = {true, std::min(shared.depth, WC_MAX_SCOPES), shared.gate_open};
  shared.gate_open = 1;
  child.watch = SyscallWatch::Scope;
}

void Following::inherit_breakpoints(const Process& parent, Process& child, bool shares_memory) {
  if (parent.breaks == nullptr) return;
  child.breaks = shares_memory ? parent.breaks : parent.breaks->copy_for(child.pid, child.memory);
  child.shares_text = shares_memory;
  child.break_table = parent.break_table;
  child.break_counts.resize(parent.break_counts.size());
  child.found_in_program = parent.found_in_program;
  child.libraries = parent.libraries;
  child.objects = parent.objects;
  child.main.state = parent.main.state;
  child.main.counts.resize(parent.main.counts.size());
  child.attached = parent.attached;
}

void Following::on_vfork_done(StoppedThread stop, Thread& parent) {
  unsigned long child = 0;
  if (stop.event_message(child)) {
    Thread* guest = parts_.tracees.thread(static_cast<pid_t>(child));
    if (guest != nullptr && guest->shares.active && guest->slot == parent.slot) {
      parts_.records.drain(*guest, 0);
      OpenScopes::end_sharing(*guest);
    }
  }
  resume(std::move(stop), parent);
}

// A stopped thread whose parent was killed before its event.
void Following::adopt(StoppedThread stop) {
  Tracees& tracees = parts_.tracees;
  auto status = proc::read_status(stop.tid());
  const pid_t group = status ? status->tgid : stop.tid();
  const pid_t parent = status ? status->ppid : 0;
  const bool is_known = tracees.process(group) != nullptr;
  ProcessPtr process = is_known ? tracees.processes.at(group) : tracees.add_process(group);
  process->started = true;
  const Process* from = is_known ? nullptr : tracees.process(parent);
  const bool shares_memory = from != nullptr && share_memory(parent, group, false);
  if (from != nullptr) inherit(*from, *process, shares_memory);
  Thread& thread = tracees.add_thread(stop.tid(), process);
  // Which of the parent's threads has made it is not known before its event: the leader stands for
  // all.
  if (const Thread* maker = from != nullptr ? tracees.thread(parent) : nullptr; maker != nullptr) {
    thread.hidden_mask = maker->hidden_mask;
    thread.interrupted_masks = maker->interrupted_masks;
    if (shares_memory) run_on_memory_of(*maker, thread);
  }
  parts_.handler.on_stop(std::move(stop), thread);
}

void Following::keep(const Seen& seen) {
  parts_.stops.claim(seen.tid);
  unclaimed_[seen.tid] = {seen.status, parts_.tracees.ticks};
}

// A busy parent's event may take a while to be its turn: only those that have waited for whole
// ticks.
void Following::adopt_orphans() {
  std::erase_if(gone_early_, [this](const auto& one) {
    return parts_.tracees.ticks - one.second.tick > kOrphanTicks;  // no child of anybody's
  });
  std::vector<std::pair<pid_t, int>> orphans;
  for (const auto& [tid, first] : unclaimed_)
    if (parts_.tracees.ticks - first.tick > kOrphanTicks) orphans.emplace_back(tid, first.status);
  for (const auto& [tid, status] : orphans) {
    unclaimed_.erase(tid);
    adopt(StoppedThread(parts_.stops, {tid, status}));
  }
}

// An exec from a thread that is not the leader: it takes the leader's id, all others are gone.
Thread& Following::take_leaders_place(const StoppedThread& stop, Thread& leader) {
  unsigned long former = 0;
  const pid_t pid = stop.tid();
  auto& threads = parts_.tracees.threads;
  if (!stop.event_message(former) || static_cast<pid_t>(former) == pid) return leader;
  auto old = threads.find(static_cast<pid_t>(former));
  if (old == threads.end()) return leader;
  parts_.records.end_scopes(leader);  // its own
  auto moved = std::move(old->second);
  threads.erase(old);
  moved->tid = pid;
  moved->process->threads--;
  auto& place = threads[pid];
  place = std::move(moved);
  return *place;
}

// The program that the thread has run until its exec.
void Following::end_program(Thread& thread) {
  Process& process = *thread.process;
  run_.pipeline.symbols().freeze(process.pid);
  parts_.records.drain(thread, 0);
  parts_.records.report_too_deep(thread);
  // What has come back by itself first; then the execve that brought us here has succeeded.
  while (!thread.inflight.empty()) {
    Inflight last = std::move(thread.inflight.back());
    thread.inflight.pop_back();
    if (last.syscall.reported)
      run_.pipeline.syscall_exit(thread.source(), last.syscall, 0, TickClock::now());
  }
  run_.pipeline.end_replaced(thread.source());
  while (!thread.breaks.empty()) OpenScopes::pop_break(thread);
  OpenScopes::end_sharing(thread);
  parts_.totals.report(process);
  Handshake::put_back_limit(process);
  parts_.handshake.note_silent(process, 0);
  run_.pipeline.forget_process(process.pid);
}

void Following::on_exec(StoppedThread stop, Thread& leader) {
  Thread& thread = take_leaders_place(stop, leader);
  ProcessPtr process = thread.process;
  end_program(thread);
  process->begin_program();
  thread.begin_program();
  parts_.placing.begin(thread);
  const std::string path = proc::exe_path(process->pid);
  if (process->started)
    run_.pipeline.executed(process->pid, process->pid, path);
  else
    run_.pipeline.started(process->pid, path);
  if (run_.options.wraps) parts_.preparation.prepare(stop, thread);
  process->started = true;
  resume(std::move(stop), thread);
}

void Following::on_gone(const Seen& seen) {
  const auto [tid, status] = seen;
  unclaimed_.erase(tid);
  gone_early_.erase(tid);
  auto found = parts_.tracees.threads.find(tid);
  if (found == parts_.tracees.threads.end()) {
    // Killed as soon as it was made: its maker's event is still to come, and must not bring it
    // back.
    gone_early_[tid] = {status, parts_.tracees.ticks};
    return;
  }
  Thread& thread = *found->second;
  ProcessPtr process = thread.process;
  parts_.records.end_scopes(thread);
  if (process->unfollowed) {
    parts_.tracees.threads.erase(found);
    if (--process->threads == 0) remove_process(process);
    return;
  }
  const bool is_guest = thread.shares.active;
  if (is_guest)
    OpenScopes::end_sharing(thread);
  else if (ProcessShare* share = thread.share())
    share->free_slot(thread.slot_index());
  bool last = --process->threads == 0;
  if (!is_guest) process->publish_thread_count();
  if (last) {
    parts_.totals.report(*process);
    parts_.handshake.note_silent(*process, status);
  }
  run_.pipeline.exited(process->pid, tid, status, !last);
  parts_.tracees.threads.erase(found);
  if (last) {
    parts_.own_signals.ended(process->pid);
    remove_process(process);
  }
  if (tid != parts_.tracees.first.pid) return;
  parts_.tracees.first.status = status;
  parts_.tracees.first.has_ended = true;
}

void Following::remove_process(const ProcessPtr& process) {
  run_.pipeline.forget_process(process->pid);
  process->share.reset();
  parts_.tracees.processes.erase(process->pid);
}

}  // namespace wc
