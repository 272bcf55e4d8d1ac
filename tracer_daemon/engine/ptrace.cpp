#include "engine/ptrace.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "base/scoped_fd.h"
#include "decode/decoder.h"

// <sys/ptrace.h> and <linux/ptrace.h> do not go together; this is what is taken from the latter.
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

template <typename... Args>
long request(__ptrace_request what, pid_t tid, Args... args) {
  return ptrace(what, tid, args...);
}

}  // namespace

bool StoppedThread::registers(user_regs_struct& regs) const {
  return request(PTRACE_GETREGS, tid_, nullptr, &regs) == 0;
}

bool StoppedThread::set_registers(const user_regs_struct& regs) const {
  return request(PTRACE_SETREGS, tid_, nullptr, &regs) == 0;
}

bool StoppedThread::set_ip(uint64_t ip) const {
  return request(PTRACE_POKEUSER, tid_, offsetof(user_regs_struct, rip), ip) == 0;
}

bool StoppedThread::siginfo(siginfo_t& info) const {
  return request(PTRACE_GETSIGINFO, tid_, nullptr, &info) == 0;
}

bool StoppedThread::event_message(unsigned long& message) const {
  return request(PTRACE_GETEVENTMSG, tid_, nullptr, &message) == 0;
}

std::vector<siginfo_t> StoppedThread::waiting_signals() const {
  constexpr int kMost = 32;
  std::vector<siginfo_t> list(kMost);
  __ptrace_peeksiginfo_args which{.off = 0, .flags = 0, .nr = kMost};
  long got = request(PTRACE_PEEKSIGINFO, tid_, &which, list.data());
  list.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return list;
}

bool StoppedThread::syscall_info(SyscallInfo& info) const {
  __ptrace_syscall_info raw{};
  if (request(PTRACE_GET_SYSCALL_INFO, tid_, sizeof raw, &raw) <= 0) return false;
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

void StoppedThread::resume(Resume how, int signal) && {
  __ptrace_request what = how == Resume::Run         ? PTRACE_CONT
                          : how == Resume::ToSyscall ? PTRACE_SYSCALL
                                                     : PTRACE_LISTEN;
  request(what, std::exchange(tid_, 0), nullptr, static_cast<long>(signal));
}

size_t ProcessMemory::read(RemoteAddress from, void* to, size_t size) {
  uint64_t offset = from.value - kept_from_.value;
  if (offset < kept_size_ && size <= kept_size_ - offset) {
    std::memcpy(to, kept_.data() + offset, size);
    return size;
  }
  size_t n = fetch(from, to, size);
  if (n == size && size <= kept_.size()) {
    std::memcpy(kept_.data(), to, size);
    kept_from_ = from;
    kept_size_ = size;
  }
  return n;
}

size_t ProcessMemory::fetch(RemoteAddress from, void* to, size_t size) const {
  iovec local{to, size};
  iovec remote{reinterpret_cast<void*>(from.value), size};
  ssize_t n = process_vm_readv(pid_, &local, 1, &remote, 1, 0);
  if (n == static_cast<ssize_t>(size)) return size;
  if (n < 0 && errno != EFAULT) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", pid_);
    ScopedFd mem(open(path, O_RDONLY | O_CLOEXEC));
    n = mem.valid() ? pread(mem.get(), to, size, static_cast<off_t>(from.value)) : -1;
    return n < 0 ? 0 : static_cast<size_t>(n);
  }
  // One range is all or nothing on some kernels: go page by page up to the first bad one.
  size_t done = n > 0 ? static_cast<size_t>(n) : 0;
  while (done < size) {
    constexpr uint64_t kPage = 4096;
    uint64_t at = from.value + done;
    size_t chunk = std::min<size_t>(size - done, kPage - at % kPage);
    local = {static_cast<char*>(to) + done, chunk};
    remote = {reinterpret_cast<void*>(at), chunk};
    n = process_vm_readv(pid_, &local, 1, &remote, 1, 0);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

bool ProcessMemory::write(RemoteAddress to, const void* from, size_t size) {
  forget();
  iovec local{const_cast<void*>(from), size};
  iovec remote{reinterpret_cast<void*>(to.value), size};
  if (process_vm_writev(pid_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size)) return true;
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/mem", pid_);
  ScopedFd mem(open(path, O_WRONLY | O_CLOEXEC));
  return mem.valid() &&
         pwrite(mem.get(), from, size, static_cast<off_t>(to.value)) == static_cast<ssize_t>(size);
}

namespace {

long ptrace_options(bool follow) {
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE;
  if (follow) options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE;
  return options;
}

}  // namespace

bool seize(pid_t tid, bool follow, int& error) {
  if (ptrace(PTRACE_SEIZE, tid, nullptr, ptrace_options(follow)) == 0) return true;
  error = errno;
  return false;
}

void stop_at_exit(pid_t tid, bool follow) {
  (void)ptrace(PTRACE_SETOPTIONS, tid, nullptr, ptrace_options(follow) | PTRACE_O_TRACEEXIT);
}

namespace {

pid_t look_for_stop(idtype_t whose, pid_t tid, bool block, int& status) {
  siginfo_t info{};
  const int how = WEXITED | WSTOPPED | WNOWAIT | __WALL | (block ? 0 : WNOHANG);
  if (waitid(whose, static_cast<id_t>(tid), &info, how) != 0) return -1;
  if (info.si_pid == 0) return 0;
  bool stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
  bool carries_signal = info.si_status == SIGSYS || info.si_status == SIGTRAP;
  if (stopped && carries_signal) {
    status = info.si_status << 8 | 0x7f;
    return info.si_pid;
  }
  // It may have been killed in the meantime: what it is now counts.
  return waitpid(info.si_pid, &status, __WALL | WNOHANG);
}

}  // namespace

pid_t next_stop(bool block, int& status) { return look_for_stop(P_ALL, 0, block, status); }

bool stop_of(pid_t tid, int& status) { return look_for_stop(P_PID, tid, false, status) > 0; }

void claim(pid_t tid) {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(tid), &info, WSTOPPED | WNOHANG | __WALL);
}

}  // namespace wc
