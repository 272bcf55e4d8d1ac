// Who is traced: how threads and processes come and go.
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

#include "elf/loader_command.h"
#include "engine/tracer.h"
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

void Tracer::on_new_child(StoppedThread stop, Thread& parent) {
  unsigned long message = 0;
  if (!stop.event_message(message)) return resume(std::move(stop), parent);
  auto child = static_cast<pid_t>(message);
  bool vfork = stop.event() == PTRACE_EVENT_VFORK;
  bool is_thread = is_new_thread(stop, *parent.process, child);
  drain(parent, 0);
  bool is_followed = is_thread || (options_.follow && !parent.process->unfollowed);
  if (is_followed) pipeline_.forked(parent.process->pid, parent.tid, child, is_thread);
  // Adopted, because its parent was kept waiting for long: it has run since, and is known.
  if (threads_.contains(child)) return resume(std::move(stop), parent);
  ProcessPtr process = parent.process;
  if (!is_thread) {
    process = add_process(child);
    inherit(*parent.process, *process, share_memory(parent.tid, child, vfork));
  }
  Thread& thread = add_thread(child, process);
  thread.hidden_mask = parent.hidden_mask;
  thread.mask_beside = parent.mask_beside;
  if (!is_thread) thread.interrupted_masks = parent.interrupted_masks;
  thread.is_new_child = !is_thread && parent.process->threads > 1;
  if (vfork) run_on_memory_of(parent, thread);
  if (auto early = unclaimed_.find(child); early != unclaimed_.end()) {
    StoppedThread first(stops_, {child, early->second.status});
    unclaimed_.erase(early);
    on_stop(std::move(first), thread);
  } else if (auto gone = gone_early_.find(child); gone != gone_early_.end()) {
    on_gone({child, gone->second.status});
  }
  resume(std::move(stop), parent);
}

// What a forked process has of its parent's, whoever reports it.
void Tracer::inherit(const Process& parent, Process& child, bool shares_memory) const {
  child.table = parent.table;
  child.shim = parent.shim;
  child.hidden_action_masks = parent.hidden_action_masks;
  child.added_nodefer = parent.added_nodefer;
  child.ignored = parent.ignored;
  child.handled = parent.handled;
  child.patched = parent.patched;
  child.started = true;
  child.unfollowed = !options_.follow || parent.unfollowed;
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
void Tracer::run_on_memory_of(const Thread& parent, Thread& child) {
  ProcessShare* share = parent.slot < 0 ? nullptr : parent.process->share.get();
  if (share == nullptr) return;
  wc_slot& shared = share->slot(static_cast<uint32_t>(parent.slot));
  child.process->share = parent.process->share;
  child.process->gate = parent.process->gate;
  child.slot = parent.slot;
  child.shares = {true, std::min(shared.depth, WC_MAX_SCOPES), shared.gate_open};
  shared.gate_open = 1;
  child.armed = true;
}

void Tracer::inherit_breakpoints(const Process& parent, Process& child, bool shares_memory) {
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

// The child has left its parent's memory, by an exec or by its end, whose stop is yet to come. The
// parent must find its slot as it left it before it runs.
void Tracer::on_vfork_done(StoppedThread stop, Thread& parent) {
  unsigned long child = 0;
  if (stop.event_message(child)) {
    auto found = threads_.find(static_cast<pid_t>(child));
    if (found != threads_.end() && found->second->shares.active &&
        found->second->slot == parent.slot) {
      drain(*found->second, 0);
      end_sharing(*found->second);
    }
  }
  resume(std::move(stop), parent);
}

// A stopped thread whose parent was killed before it could tell of it.
void Tracer::adopt(StoppedThread stop) {
  auto status = proc::read_status(stop.tid());
  pid_t group = status ? status->tgid : stop.tid();
  auto known = processes_.find(group);
  ProcessPtr process = known != processes_.end() ? known->second : add_process(group);
  process->started = true;
  pid_t parent = status ? status->ppid : 0;
  auto from = known == processes_.end() ? processes_.find(parent) : processes_.end();
  bool shares_memory = from != processes_.end() && share_memory(parent, group, false);
  if (from != processes_.end()) inherit(*from->second, *process, shares_memory);
  Thread& thread = add_thread(stop.tid(), process);
  // Which of the parent's threads has made it is not known before its event: the leader stands for
  // all.
  auto maker = from != processes_.end() ? threads_.find(parent) : threads_.end();
  if (maker != threads_.end()) {
    thread.hidden_mask = maker->second->hidden_mask;
    thread.interrupted_masks = maker->second->interrupted_masks;
    if (shares_memory) run_on_memory_of(*maker->second, thread);
  }
  on_stop(std::move(stop), thread);
}

// A busy parent's event may take a while to be its turn: only those that have waited for whole
// ticks.
void Tracer::adopt_orphans() {
  ticks_++;
  std::erase_if(gone_early_, [this](const auto& one) {
    return ticks_ - one.second.tick > kOrphanTicks;  // no child of anybody's
  });
  std::vector<std::pair<pid_t, int>> orphans;
  for (const auto& [tid, first] : unclaimed_)
    if (ticks_ - first.tick > kOrphanTicks) orphans.emplace_back(tid, first.status);
  for (const auto& [tid, status] : orphans) {
    unclaimed_.erase(tid);
    adopt(StoppedThread(stops_, {tid, status}));
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
  report_too_deep(*self);
  // What has come back by itself first; then the execve that brought us here has succeeded.
  while (!self->inflight.empty()) {
    Inflight last = std::move(self->inflight.back());
    self->inflight.pop_back();
    if (last.syscall.reported)
      pipeline_.syscall_exit(self->source(), last.syscall, 0, TickClock::now());
  }
  drop_missing(*self, {});
  while (!self->breaks.empty()) pop_break(*self);
  end_sharing(*self);
  report_totals(process);
  put_back_limit(*process);
  note_silent(*process, 0);
  process->share.reset();
  process->gate = WC_GATE_OFF;
  process->memory.open();  // another address space
  process->table = nullptr;
  process->shim = {};
  process->not_shim = {};
  process->patched = false;
  process->added_nodefer = 0;
  process->ignored = {};  // the kernel has it; the shim will say so
  process->handled = 0;
  process->hidden_action_masks = {};  // handlers do not survive an exec
  begin_breakpoints(*self);
  places_in_.erase(pid);
  self->slot = -1;
  self->served = {};
  self->handlers.clear();
  self->interrupted_masks.clear();
  self->armed = self->in_syscall = self->step_back = self->own_dispatch = false;
  pipeline_.forget_process(pid);
  std::string path = proc::exe_path(pid);
  if (process->started)
    pipeline_.executed(pid, pid, path);
  else
    pipeline_.started(pid, path);
  if (options_.wraps) prepare_program(stop, *self);
  process->started = true;
  resume(std::move(stop), *self);
}

// The value of LD_PRELOAD with libraries that the program can load: ld.so complains in the
// program's name of what it cannot open.
Result<std::string> Tracer::readable_preload(const Process& process, LibraryReader reader,
                                             const ProgramTables::Prepared& prepared) {
  std::string value = prepared.ld_preload;
  for (const std::string& library : {prepared.table->stub_path, options_.shim_path}) {
    auto path = copies_.path_for(library, reader);
    if (!path) return path.error();
    struct stat there {};
    std::string seen = proc::path_of(process.pid, "root" + *path);
    if (stat(seen.c_str(), &there) != 0)
      return Error{"sees other folders (chroot, mount namespace)", ENOENT};
    value.replace(value.rfind(library), library.size(), *path);
  }
  return value;
}

void Tracer::leave_unwrapped(const std::string& path, const std::string& why) {
  say(1, path + " " + why + "; not wrapped");
  if (!path.empty()) unwrapped_.note(path, why);
}

namespace {

// A program that is about to run, as its libraries are looked for.
struct NewProgram {
  Image image;
  std::optional<std::string> library_path;  // instead of LD_LIBRARY_PATH
};

// As the process sees it: it may have another root folder than the tracer, and another current one.
std::string seen_by(pid_t pid, const std::string& path) {
  return proc::path_of(pid, path.starts_with('/') ? "root" + path : "cwd/" + path);
}

std::string absolute(pid_t pid, const std::string& path) {
  return path.starts_with('/') ? path : proc::link_target(proc::path_of(pid, "cwd")) + "/" + path;
}

std::vector<std::string> command_line(pid_t pid) {
  constexpr size_t kMost = 1 << 20;
  std::vector<std::string> words;
  auto text = proc::read_file(proc::path_of(pid, "cmdline"), kMost);
  if (!text) return words;
  for (size_t at = 0; at < text->size(); at += words.back().size() + 1)
    words.emplace_back(text->c_str() + at);
  return words;
}

// Nothing: ld.so was started to list something, and runs no program.
Result<std::optional<NewProgram>> look_through_loader(pid_t pid, const std::string& loader) {
  LoaderCommand command = parse_loader_command(command_line(pid));
  if (command.program.empty()) return std::optional<NewProgram>();
  if (command.program.find('/') == std::string::npos)
    return Error{"was told to search for the program " + command.program + " itself", 0};
  auto image = read_image(seen_by(pid, command.program), false);
  if (!image && image.error().code == ENOENT) return std::optional<NewProgram>();  // it says so
  if (!image) return Error{"cannot start " + image.error().message, 0};
  image->path = absolute(pid, command.program);
  start_through(command, loader, *image);
  return std::optional(NewProgram{std::move(*image), command.library_path});
}

}  // namespace

// Chooses the functions and gives the new program its LD_PRELOAD.
void Tracer::prepare_program(const StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  bool first = !process.started && process.pid == first_;
  std::string path = proc::exe_path(process.pid);
  auto give_up = [&](const std::string& why) { leave_unwrapped(path, why); };
  auto image = read_image(proc::path_of(process.pid, "exe"), false);
  if (!image) return give_up("cannot be read: " + image.error().message);
  image->path = path;
  NewProgram program{std::move(*image), std::nullopt};
  if (is_loader(program.image)) {
    auto found = look_through_loader(process.pid, path);
    if (!found) return give_up(found.error().message);
    if (!*found) return;
    program = std::move(**found);
    path = program.image.path;
  }
  if (std::string why = refusal(program.image); !why.empty()) return give_up(why);
  auto stack = read_exec_stack(stop, process.memory);
  if (!stack) return give_up(stack.error().message);
  if (stack->lists_libraries) return;  // ldd(1): ours are none of the program's
  if (stack->secure) return give_up("gains rights by its exec and loads no foreign libraries");
  auto prepared =
      tables_.prepare(program.image, program.library_path.value_or(stack->ld_library_path),
                      stack->ld_preload, first);
  if (!prepared) {
    // Whoever serves goes on for the programs to come.
    if (!first || options_.standing) return give_up(prepared.error().message);
    failure_ = prepared.error();
    return say(1, path + " " + prepared.error().message + "; not wrapped");
  }
  auto status = proc::read_status(process.pid);
  if (!status) return give_up(status.error().message);
  LibraryReader reader{status->uid.file_system, status->gid.file_system};
  auto value = readable_preload(process, reader, *prepared);
  if (!value) return give_up(value.error().message);
  bool is_free = status->seccomp == 0 && options_.shared_memory.is_memfd();
  if (auto set =
          set_ld_preload(stop, process.memory, *stack, *value, is_free ? WC_PRELOAD_FREE : 0);
      !set)
    return give_up(set.error().message);
  process.table = prepared->table;
  process.program = path;
  process.awaits_hello = true;
  if (needs_trial(*status)) {
    std::string last = value->substr(value->find_last_of(": ") + 1);
    process.preload_trial = {std::move(last), stack->sp};
    thread.begins = true;
  }
  if (program.image.is_go && !options_.whole_process) tell_of_go(path, first);
  say(2, path + ": " + std::to_string(process.table->functions.size()) + " functions wrapped");
}

// Go's runtime makes its system calls itself, also where it is linked to libc for some packages.
void Tracer::tell_of_go(const std::string& path, bool is_first) {
  if (!is_first) return unwrapped_.note(path, "Go: only what its C code calls is seen");
  say(0, path +
             " is a Go program, which makes its system calls itself: only those that its C code "
             "makes by libc's functions are reported; --scope=process reports all");
}

void Tracer::on_gone(const Seen& seen) {
  const auto [tid, status] = seen;
  unclaimed_.erase(tid);
  gone_early_.erase(tid);
  auto found = threads_.find(tid);
  if (found == threads_.end()) {
    // Killed as soon as it was made: its maker's event is still to come, and must not bring it
    // back.
    gone_early_[tid] = {status, ticks_};
    return;
  }
  Thread& thread = *found->second;
  ProcessPtr process = thread.process;
  end_scopes(thread);
  if (process->unfollowed) {
    threads_.erase(found);
    if (--process->threads == 0) remove_process(process);
    return;
  }
  const bool is_guest = thread.shares.active;
  if (is_guest)
    end_sharing(thread);
  else if (ProcessShare* share = share_of(thread))
    share->free_slot(static_cast<uint32_t>(thread.slot));
  bool last = --process->threads == 0;
  if (!is_guest) count_threads(*process);
  if (last) {
    report_totals(process);
    note_silent(*process, status);
  }
  pipeline_.exited(process->pid, tid, status, !last);
  threads_.erase(found);
  if (last) {
    passed_.ended(process->pid, TickClock::now());
    remove_process(process);
  }
  if (tid != first_) return;
  first_status_ = status;
  first_has_ended_ = true;
}

void Tracer::remove_process(const ProcessPtr& process) {
  pipeline_.forget_process(process->pid);
  places_in_.erase(process->pid);
  process->share.reset();
  processes_.erase(process->pid);
}

}  // namespace wc
