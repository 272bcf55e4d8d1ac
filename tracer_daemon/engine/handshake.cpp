#include "engine/handshake.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "kernel/remote_syscall.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"
#include "signals/gate_signals.h"
#include "signals/signal_calls.h"
#include "tracee/resume.h"

namespace wc {
namespace {

constexpr uint64_t kRefused = 0;

ShimAddresses addresses_in(const wc_hello& hello) {
  ShimAddresses shim;
  shim.bell = hello.bell;
  shim.gadget = hello.gadget;
  shim.landing = hello.landing;
  shim.landing_saved = hello.landing_saved;
  shim.landing_restored = hello.landing_restored;
  shim.landing_end = hello.landing_end;
  shim.exempt_begin = hello.exempt_begin;
  shim.exempt_end = hello.exempt_end;
  shim.thunks = hello.thunks;
  shim.thunks_end = hello.thunks_end;
  shim.site = hello.site;
  shim.site_end = hello.site_end;
  shim.site_return = hello.site_return;
  shim.copy = hello.copy;
  shim.copy_end = hello.copy_end;
  shim.selector_offset = hello.selector_offset;
  shim.injection = hello.injection;
  shim.state = hello.state;
  shim.state_size = hello.state_size;
  return shim;
}

// The descriptor as the thread has it: threads may have tables of their own.
ScopedFd take_descriptor(pid_t tid, int fd) {
  std::string path = "/proc/" + std::to_string(tid) + "/fd/" + std::to_string(fd);
  ScopedFd taken(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (taken.valid()) return taken;
  ScopedFd process(static_cast<int>(syscall(SYS_pidfd_open, tid, 0)));
  if (!process.valid()) return {};
  return ScopedFd(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
}

// Shared anonymous memory of a process. Takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE (proc(5)).
ScopedFd open_mapped(pid_t pid, uint64_t address, uint64_t size) {
  return ScopedFd(
      open(proc::path_of(pid, fmt::format("map_files/{:x}-{:x}", address, address + size)).c_str(),
           O_RDWR | O_CLOEXEC));
}

// Tried on the tracer itself, once.
bool can_open_mapped() {
  static const bool can = [] {
    constexpr uint64_t kSize = 4096;
    void* page = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    bool opened = open_mapped(getpid(), reinterpret_cast<uint64_t>(page), kSize).valid();
    munmap(page, kSize);
    return opened;
  }();
  return can;
}

bool is_filtered(pid_t tid) {
  auto status = proc::read_status(tid);
  return !status || status->seccomp != 0;
}

// Whether the process can map the rings of engine inproc beside what it needs itself.
bool has_room_for_rings(pid_t pid, uint64_t size) {
  constexpr uint64_t kShare = 4;
  rlimit limit{};
  return prlimit(pid, RLIMIT_AS, nullptr, &limit) != 0 || limit.rlim_cur / kShare >= size;
}

}  // namespace

ShareLayout Handshake::layout_for(const Process& process) const {
  return {process.gate_in_force(), run_.options.config,
          static_cast<uint32_t>(process.table->functions.size()) + WC_OWN_SCOPES,
          run_.options.plans};
}

// Where address space is short, here or there, a process goes without the big rings: all its
// syscalls are dispatched.
Result<std::unique_ptr<ProcessShare>> Handshake::create_share(const Process& process,
                                                              const MakeShare& make) {
  ShareLayout layout = layout_for(process);
  if (!(layout.config & WC_CONFIG_IN_PROCESS)) return make(layout);
  if (parts_.stacks.is_read_at_stops(process)) {
    layout.config &= ~uint32_t{WC_CONFIG_IN_PROCESS};
    return make(layout);
  }
  uint64_t slot = wc_slot_size(layout.function_count, layout.config);
  if (has_room_for_rings(process.pid, wc_shared_size(slot, 1))) {
    if (auto share = make(layout)) {
      publish_plans(run_.options, (*share)->header());
      return share;
    }
  }
  run_.say(1, "process " + std::to_string(process.pid) +
                  ": no room to record syscalls in; all is left to dispatch");
  layout.config &= ~uint32_t{WC_CONFIG_IN_PROCESS};
  return make(layout);
}

bool Handshake::is_hello(const Thread& thread, const user_regs_struct& regs) {
  const Process& process = *thread.process;
  bool knows_bell = process.shim.bell == 0 || process.shim.bell == regs.rip;
  return process.table != nullptr && knows_bell && regs.rdi == WC_ASK_HELLO;
}

void Handshake::on_ask(StoppedThread stop, Thread& thread, user_regs_struct& regs) {
  Process& process = *thread.process;
  // A vfork child runs on its parent's memory; nothing of it may stay behind there.
  bool is_guest = thread.shares.active || process.shares_text;
  uint64_t answer = kRefused;
  if (regs.rdi == WC_ASK_UNMAPPED)
    forget_share(process, strerror(-static_cast<int>(regs.rsi)));
  else if (!is_guest && regs.rdi == WC_ASK_HELLO)
    answer = answer_hello(thread, regs);
  else if (!is_guest && regs.rdi == WC_ASK_HELLO_ANONYMOUS)
    answer = answer_anonymous(thread, regs);
  else if (!is_guest && regs.rdi == WC_ASK_SLOT)
    answer = give_slot(stop, thread, regs);
  regs.rax = answer;
  if (stop.set_registers(regs)) resume(std::move(stop), thread);
}

// Learns where the shim is. False: it is not the one that this program was given.
bool Handshake::read_hello(Process& process, const user_regs_struct& regs) const {
  wc_hello hello{};
  // A forked child's shim is where its parent's is; its memory may be closed to the tracer.
  if (!process.memory.read_all({regs.rsi}, &hello, sizeof hello)) return process.shim.bell != 0;
  if (hello.stub_id != process.table->id || hello.bell != regs.rip) return false;
  process.shim = addresses_in(hello);
  bool connected = (hello.flags & WC_HELLO_HAS_GATE) != 0;
  process.gate =
      run_.options.gate == WC_GATE_SOCKET && !connected ? WC_GATE_TRAP : run_.options.gate;
  return true;
}

uint64_t Handshake::answer_hello(Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  if (process.share != nullptr || !read_hello(process, regs)) return kRefused;
  const auto descriptor = static_cast<int64_t>(regs.rdx);
  if (descriptor == -EMFILE && make_room_for_descriptor(process)) return WC_HELLO_BY_MEMFD;
  bool filtered = is_filtered(thread.tid);
  if (descriptor < 0) {
    bool not_tried = regs.rdx == WC_NOT_TRIED;
    if (not_tried && !filtered) return WC_HELLO_BY_MEMFD;
    if (can_open_mapped())
      return ProcessShare::first_size_of(layout_for(process)) | WC_HELLO_ANONYMOUS;
    // Which of the two a filter forbids is not known, but where it is the tracer's, too.
    return not_tried && run_.options.shared_memory.is_memfd() ? WC_HELLO_BY_MEMFD
                                                              : WC_HELLO_BY_SOCKET;
  }
  ScopedFd file = take_descriptor(thread.tid, static_cast<int>(descriptor));
  if (!file.valid()) return WC_HELLO_BY_SOCKET;
  return welcome(process, filtered, create_share(process, [&](const ShareLayout& layout) {
                   ScopedFd own(fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
                   return ProcessShare::adopt(std::move(own), layout);
                 }));
}

uint64_t Handshake::answer_anonymous(Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  if (process.share != nullptr || process.shim.bell != regs.rip) return kRefused;
  ShareLayout layout = layout_for(process);
  ScopedFd file = open_mapped(process.pid, regs.rdx, ProcessShare::first_size_of(layout));
  if (!file.valid()) return WC_HELLO_BY_SOCKET;
  return welcome(process, is_filtered(thread.tid),
                 ProcessShare::adopt_unsealed(std::move(file), layout));
}

SessionHost::Answer Handshake::answer_by_socket(Process* process, const wc_hello& hello) {
  if (process == nullptr) return {nullptr, "this process is not traced"};
  if (process->table == nullptr || process->table->id != hello.stub_id)
    return {nullptr, "the stub library is not the one this program was given"};
  if (hello.flags & WC_HELLO_GATE) return {};
  // It has asked by its bell before; the tracer could not take its memory.
  if (process->share != nullptr || process->shim.bell == 0)
    return {nullptr, "this process is not to be given memory"};
  auto share = create_share(*process, [this](const ShareLayout& layout) {
    return ProcessShare::create(layout, run_.options.shared_memory);
  });
  if (!share) return {nullptr, share.error().message};
  process->share = std::move(*share);
  process->awaits_hello = false;
  return {process->share, {}};
}

uint64_t Handshake::welcome(Process& process, bool filtered,
                            Result<std::unique_ptr<ProcessShare>> share) {
  if (!share) {
    note_unwrapped(process, share.error().message);
    return kRefused;
  }
  process.share = std::move(*share);
  process.awaits_hello = false;
  return ProcessShare::first_size_of(process.share->layout()) | (filtered ? WC_HELLO_FILTERED : 0);
}

// It is put back when the thread asks for its slot.
bool Handshake::make_room_for_descriptor(Process& process) {
  if (process.own_descriptor_limit) return false;
  rlimit own{};
  if (prlimit(process.pid, RLIMIT_NOFILE, nullptr, &own) != 0) return false;
  constexpr rlim_t kMore = 16;
  rlimit more{own.rlim_cur + kMore, std::max(own.rlim_max, own.rlim_cur + kMore)};
  if (prlimit(process.pid, RLIMIT_NOFILE, &more, nullptr) != 0) return false;
  process.own_descriptor_limit = own;
  return true;
}

void Handshake::put_back_limit(Process& process) {
  if (!process.own_descriptor_limit) return;
  // Where this fails the process is gone.
  (void)prlimit(process.pid, RLIMIT_NOFILE, &*process.own_descriptor_limit, nullptr);
  process.own_descriptor_limit.reset();
}

void Handshake::forget_share(Process& process, const std::string& why) {
  put_back_limit(process);
  process.share.reset();
  note_unwrapped(process, "cannot map the memory that it shares with the tracer: " + why);
}

uint64_t Handshake::give_slot(StoppedThread& stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  put_back_limit(process);
  if (process.share == nullptr) return kRefused;
  ProcessShare& share = *process.share;
  share.note_first_mapped();
  if (thread.slot >= 0) share.free_slot(static_cast<uint32_t>(std::exchange(thread.slot, -1)));
  auto index = share.take_slot();
  if (!index && map_more_slots(stop, process)) index = share.take_slot();
  if (!index) {
    share.header().full = 1;
    run_.say(1,
             "process " + std::to_string(process.pid) + ": no room for a further thread's calls");
    return kRefused;
  }
  thread.slot = static_cast<int>(*index);
  wc_slot& slot = share.slot(*index);
  slot.selector = regs.rsi;
  gate_signals::learn_ignored(process, share.header());
  SignalCalls::publish_hidden(thread);
  parts_.switching.begin(process);
  if (run_.options.config & WC_CONFIG_IN_PROCESS) parts_.heartbeat.quicken();
  parts_.patching.patch(thread);
  // What is recorded may be read when the program has replaced itself.
  const Demand demand = run_.pipeline.backends().demand();
  if (run_.options.config & WC_CONFIG_IN_PROCESS &&
      (demand.wants(WC_WANT_CALLER) || demand.wants(WC_WANT_STACK)))
    run_.pipeline.symbols().remember(process.pid);
  if (run_.options.whole_process) slot.gate_open = 1, thread.watch = SyscallWatch::Scope;
  uint64_t answer = share.address_of(*index);
  if (process.gate != WC_GATE_DISPATCH) return answer;
  uint8_t allow = 0;
  bool is_armed = process.memory.write({regs.rsi}, &allow, sizeof allow) &&
                  stop.set_dispatch(process.shim.dispatch(regs.rsi));
  return answer | (is_armed ? 0 : WC_SLOT_ARM);
}

// The process maps the next piece of the file. It has no descriptor of it any more: mremap(2) of
// nothing of a shared mapping maps the same file again, from that page on, and as it is: not for
// children, not for core dumps.
bool Handshake::map_more_slots(StoppedThread& stop, Process& process) {
  auto growth = process.share->plan_growth();
  if (!growth) return false;
  constexpr uint64_t kMayMove = 1;  // MREMAP_MAYMOVE
  auto mapped = run_syscall(stop, process.memory, SYS_mremap,
                            {growth->page, 0, growth->size, kMayMove, 0, 0}, process.shim.place());
  if (!mapped) return false;
  process.share->note_grown(*growth, *mapped);
  return true;
}

// A forked child starts without its parent's state. Where the kernel does not see to that (a filter
// forbids madvise), the tracer does, at the child's first stop: it has not run yet.
void Handshake::wipe_forked(Process& child) const {
  if (!std::exchange(child.is_to_be_wiped, false)) return;
  constexpr uint64_t kMost = 4096;
  std::vector<uint8_t> nothing(std::min(child.shim.state_size, kMost));
  if (!child.memory.write({child.shim.state}, nothing.data(), nothing.size()))
    run_.say(0,
             "process " + std::to_string(child.pid) +
                 ": its memory cannot be written; its calls are taken for its parent's and lost");
}

void Handshake::note_unwrapped(Process& process, const std::string& why) {
  process.awaits_hello = false;
  parts_.unwrapped.leave(proc::exe_path(process.pid), why);
}

// A program that was given the shim ends, or becomes another one, and its shim has not said a word.
// Where ld.so has refused to start it (exit status 127), there was nothing to wrap.
void Handshake::note_silent(Process& process, int status) {
  if (!std::exchange(process.awaits_hello, false)) return;
  constexpr int kNotStarted = 127;
  if (WIFSIGNALED(status) || WEXITSTATUS(status) == kNotStarted) return;
  parts_.unwrapped.leave(process.program, "did not load the shim");
}

}  // namespace wc
