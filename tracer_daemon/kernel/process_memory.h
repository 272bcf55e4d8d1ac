// The memory of one address space, read and written from outside.
//
// The first way is a descriptor of /proc/PID/mem that is opened once and kept: access is checked
// when it is opened, and it holds the address space, so it works on when the leader has ended
// (pthread_exit) and when the program has made itself undumpable (PR_SET_DUMPABLE in prctl(2)).
// Where there is none, process_vm_readv(2) by process id; where both are refused (/proc read-only
// or hardened, a filter around the tracer), PTRACE_PEEKDATA and PTRACE_POKEDATA by the thread that
// stands still.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <memory>

#include "base/scoped_fd.h"
#include "base/tracee_memory.h"
#include "kernel/kernel.h"

namespace wc {

class ProcessMemory final : public TraceeMemory {
 public:
  explicit ProcessMemory(pid_t pid, Kernel& kernel = Kernel::real())
      : pid_(pid), kernel_(&kernel) {}

  // Opens it now, while that is allowed; else it is opened when it is first needed. Again after an
  // exec: the process has another address space then.
  void open();
  // It is the same address space as `other` (a vfork child).
  void share(const ProcessMemory& other) { file_ = other.file_; }

  size_t read(RemoteAddress from, void* to, size_t size) override;
  // All or nothing is not promised: false where not all of it could be written.
  [[nodiscard]] bool write(RemoteAddress to, const void* from, size_t size);

  // Between these two `tid` stands still. Only then is the last small piece that was read kept: a
  // call and its syscall are often decoded from the same bytes, and reading them costs more than
  // decoding.
  void begin_stop(pid_t tid);
  void end_stop();
  // What was read may be different now.
  void forget() { kept_size_ = 0; }

 private:
  struct File {
    ScopedFd descriptor;
    bool writable = true;
  };
  const File* file();
  size_t fetch(RemoteAddress from, void* to, size_t size);
  size_t read_by_pid(RemoteAddress from, void* to, size_t size) const;
  size_t peek(RemoteAddress from, void* to, size_t size) const;
  bool poke(RemoteAddress to, const void* from, size_t size) const;

  pid_t pid_;
  Kernel* kernel_;
  std::shared_ptr<const File> file_;  // null: not opened yet, or refused
  bool refused_ = false;
  pid_t stopped_ = 0;
  RemoteAddress kept_from_;
  size_t kept_size_ = 0;
  std::array<char, 256> kept_;
};

}  // namespace wc
