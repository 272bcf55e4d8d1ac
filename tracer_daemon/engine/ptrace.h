// Thin, typed access to ptrace(2). A request to a thread that is dying fails with ESRCH, which is
// normal: requests return false then, and the thread's end is seen by waitpid.
#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/tracee_memory.h"

struct __ptrace_syscall_info;

namespace wc {

enum class Resume { Run, ToSyscall, Listen };

// A thread in a ptrace stop. Move-only: resuming it consumes it.
class StoppedThread {
 public:
  StoppedThread(pid_t tid, int status) : tid_(tid), status_(status) {}
  StoppedThread(StoppedThread&& other) noexcept
      : tid_(std::exchange(other.tid_, 0)), status_(other.status_) {}
  StoppedThread& operator=(StoppedThread&& other) noexcept {
    tid_ = std::exchange(other.tid_, 0);
    status_ = other.status_;
    return *this;
  }

  [[nodiscard]] pid_t tid() const { return tid_; }
  [[nodiscard]] int signal() const { return status_ >> 8 & 0xff; }
  [[nodiscard]] int event() const { return status_ >> 16; }
  [[nodiscard]] bool at_syscall() const { return signal() == (SIGTRAP | 0x80); }

  [[nodiscard]] bool registers(user_regs_struct& regs) const;
  [[nodiscard]] bool set_registers(const user_regs_struct& regs) const;
  // The instruction pointer alone: a third of the cost of all registers.
  [[nodiscard]] bool set_ip(uint64_t ip) const;
  [[nodiscard]] bool siginfo(siginfo_t& info) const;
  [[nodiscard]] bool event_message(unsigned long& message) const;
  // Sent to this thread, not delivered yet; at most 32.
  [[nodiscard]] std::vector<siginfo_t> waiting_signals() const;

  // Entry and exit of a syscall: PTRACE_GET_SYSCALL_INFO.
  struct SyscallInfo {
    enum class Kind { None, Entry, Exit } kind = Kind::None;
    uint64_t ip = 0, sp = 0;
    uint64_t nr = 0, args[6] = {};  // nr: with kI386Syscall where it belongs
    int64_t ret = 0;
  };
  [[nodiscard]] bool syscall_info(SyscallInfo& info) const;

  void resume(Resume how, int signal = 0) &&;

 private:
  pid_t tid_;
  int status_;
};

// process_vm_readv page by page, /proc/PID/mem where that is refused. `write` goes the same ways.
// The last small piece that was read is kept until forget(), to be called at each stop: a call and
// its syscall are often decoded from the same bytes, and reading them costs more than decoding.
class ProcessMemory final : public TraceeMemory {
 public:
  explicit ProcessMemory(pid_t pid) : pid_(pid) {}
  size_t read(RemoteAddress from, void* to, size_t size) override;
  bool write(RemoteAddress to, const void* from, size_t size);
  void forget() { kept_size_ = 0; }

 private:
  size_t fetch(RemoteAddress from, void* to, size_t size) const;

  pid_t pid_;
  RemoteAddress kept_from_;
  size_t kept_size_ = 0;
  std::array<char, 256> kept_;
};

// The kernel's own results of an interrupted syscall, seen by tracers only (include/linux/errno.h):
// it is to be issued again, or to fail with EINTR.
constexpr bool is_restart(int64_t ret) {
  return ret == -512 || ret == -513 || ret == -514 || ret == -516;
}

// uretprobe(2) and uprobe(2), which the kernel has a probed function issue where somebody traces it
// with perf or bpf: not the program's, and the process is killed where they come from anywhere
// else.
constexpr bool is_of_a_probe(uint64_t nr) { return nr == 335 || nr == 336; }

bool seize(pid_t tid, bool follow, int& error);
// The stopped thread, and all that it makes, stop once more when they end, while their memory is
// there.
void stop_at_exit(pid_t tid, bool follow);

// The next stop or end of a tracee, as waitpid(2) tells it: its thread id, 0 if there is none and
// `block` is false, or -1 with errno. Stops for SIGSYS and SIGTRAP are looked at, not taken
// (WNOWAIT): waitpid takes the signal away from the stop, and if the tracer is killed before it
// resumes the thread, the shim's handler (preload_lib/orphan.c) would never run. Such a stop is
// found again until the thread is resumed or claim() is called.
pid_t next_stop(bool block, int& status);
// The same for one thread, if it has stopped or ended.
bool stop_of(pid_t tid, int& status);
// Takes that stop: it is not found again.
void claim(pid_t tid);

}  // namespace wc
