#include "kernel/stopped_thread.h"

#include <linux/types.h>
#include <sys/ptrace.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "base/syscall_number.h"

namespace wc {
namespace {

uint64_t word(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

// Linux 6.4, linux/ptrace.h, which does not go together with <sys/ptrace.h>.
constexpr int kSetDispatch = 0x4210;  // PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG
struct DispatchConfig {
  uint64_t mode, selector, offset, size;
};

}  // namespace

long StoppedThread::request(int what, uint64_t address, const void* data) const {
  return tid_ == 0 ? -ESRCH : stops_->kernel().trace(what, tid_, address, word(data));
}

bool StoppedThread::registers(user_regs_struct& regs) const {
  return request(PTRACE_GETREGS, 0, &regs) == 0;
}

bool StoppedThread::set_registers(const user_regs_struct& regs) const {
  return request(PTRACE_SETREGS, 0, &regs) == 0;
}

bool StoppedThread::set_ip(uint64_t ip) const {
  constexpr uint64_t kIp = offsetof(user_regs_struct, rip);
  return tid_ != 0 && stops_->kernel().trace(PTRACE_POKEUSER, tid_, kIp, ip) == 0;
}

bool StoppedThread::float_registers(user_fpregs_struct& regs) const {
  return request(PTRACE_GETFPREGS, 0, &regs) == 0;
}

bool StoppedThread::siginfo(siginfo_t& info) const {
  return request(PTRACE_GETSIGINFO, 0, &info) == 0;
}

bool StoppedThread::set_siginfo(const siginfo_t& info) const {
  return request(PTRACE_SETSIGINFO, 0, &info) == 0;
}

bool StoppedThread::event_message(unsigned long& message) const {
  return request(PTRACE_GETEVENTMSG, 0, &message) == 0;
}

std::vector<siginfo_t> StoppedThread::waiting_signals() const {
  constexpr int kMost = 32;
  std::vector<siginfo_t> list(kMost);
  __ptrace_peeksiginfo_args which{.off = 0, .flags = 0, .nr = kMost};
  long got = request(PTRACE_PEEKSIGINFO, word(&which), list.data());
  list.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return list;
}

bool StoppedThread::signal_mask(uint64_t& mask) const {
  return request(PTRACE_GETSIGMASK, sizeof mask, &mask) == 0;
}

bool StoppedThread::set_signal_mask(uint64_t mask) const {
  return request(PTRACE_SETSIGMASK, sizeof mask, &mask) == 0;
}

bool StoppedThread::syscall_info(SyscallInfo& info) const {
  __ptrace_syscall_info raw{};
  if (request(PTRACE_GET_SYSCALL_INFO, sizeof raw, &raw) <= 0) return false;
  constexpr uint32_t kAuditX86_64 = 0xc000003e;
  info.ip = raw.instruction_pointer;
  info.sp = raw.stack_pointer;
  if (raw.op == PTRACE_SYSCALL_INFO_ENTRY) {
    info.kind = SyscallInfo::Kind::Entry;
    info.nr = raw.entry.nr;
    std::copy(std::begin(raw.entry.args), std::end(raw.entry.args), info.args);
    if (raw.arch != kAuditX86_64) {
      info.nr |= kI386Syscall;
      for (uint64_t& arg : info.args) arg &= UINT32_MAX;
    }
  } else if (raw.op == PTRACE_SYSCALL_INFO_EXIT) {
    info.kind = SyscallInfo::Kind::Exit;
    info.ret = raw.exit.rval;
  }
  return true;
}

bool StoppedThread::set_dispatch(const Dispatch& dispatch) const {
  DispatchConfig config{dispatch.mode, dispatch.selector, dispatch.exempt_begin,
                        dispatch.exempt_size};
  return request(kSetDispatch, sizeof config, &config) == 0;
}

void StoppedThread::interrupt_when_resumed() const { (void)request(PTRACE_INTERRUPT, 0, nullptr); }

void StoppedThread::resume(Resume how, int signal) && {
  int what = how == Resume::Run         ? PTRACE_CONT
             : how == Resume::ToSyscall ? PTRACE_SYSCALL
             : how == Resume::Step      ? PTRACE_SINGLESTEP
                                        : PTRACE_LISTEN;
  pid_t tid = std::exchange(tid_, 0);
  stops_->thread_resumes();
  // Where this fails the thread is dying.
  if (tid != 0) (void)stops_->kernel().trace(what, tid, 0, static_cast<uint64_t>(signal));
}

void StoppedThread::detach(int signal) && {
  pid_t tid = std::exchange(tid_, 0);
  if (tid != 0) (void)stops_->kernel().trace(PTRACE_DETACH, tid, 0, static_cast<uint64_t>(signal));
}

namespace {

uint64_t ptrace_options(Follow follow) {
  uint64_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE;
  if (follow == Follow::Children)
    options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE;
  return options;
}

}  // namespace

int seize(Kernel& kernel, pid_t tid, Follow follow) {
  return static_cast<int>(-kernel.trace(PTRACE_SEIZE, tid, 0, ptrace_options(follow)));
}

void interrupt(Kernel& kernel, pid_t tid) { (void)kernel.trace(PTRACE_INTERRUPT, tid, 0, 0); }

void stop_at_exit(Kernel& kernel, pid_t tid, Follow follow) {
  (void)kernel.trace(PTRACE_SETOPTIONS, tid, 0, ptrace_options(follow) | PTRACE_O_TRACEEXIT);
}

}  // namespace wc
