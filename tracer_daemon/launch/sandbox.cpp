#include "launch/sandbox.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "proc/status.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

namespace wc {
namespace {

struct Trial {
  Sandbox::Call call;
  const char* name;
  long number;
  // As the tracer issues it where a filter may look at them, and otherwise so that nothing comes of
  // it: no such process, no such descriptor, no address.
  std::array<long, 4> arguments;
};

using enum Sandbox::Call;
constexpr std::array kTrials = {
    Trial{Dispatch, "prctl", SYS_prctl, {PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0}},
    Trial{Memfd, "memfd_create", SYS_memfd_create, {0, MFD_CLOEXEC | MFD_ALLOW_SEALING}},
    Trial{ForTracing, "ptrace", SYS_ptrace, {PTRACE_SEIZE, 0, 0, 0}},
    Trial{ForTracing, "process_vm_readv", SYS_process_vm_readv, {}},
    Trial{ForTracing, "process_vm_writev", SYS_process_vm_writev, {}},
    Trial{ForTracing, "waitid", SYS_waitid, {P_ALL, 0, 0, WEXITED | WNOHANG}},
    Trial{ForTracing, "sched_getaffinity", SYS_sched_getaffinity, {}},
    Trial{ForTracing, "sched_setaffinity", SYS_sched_setaffinity, {}},
    Trial{ForTracing, "timer_create", SYS_timer_create, {}},
    Trial{ForTracing, "timer_settime", SYS_timer_settime, {-1}},
    Trial{ForWrapping, "socket", SYS_socket, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0}},
    Trial{ForWrapping, "bind", SYS_bind, {-1}},
    Trial{ForWrapping, "listen", SYS_listen, {-1}},
    Trial{ForWrapping, "accept4", SYS_accept4, {-1}},
    Trial{ForWrapping, "getsockopt", SYS_getsockopt, {-1}},
    Trial{ForWrapping, "recvfrom", SYS_recvfrom, {-1}},
    Trial{ForWrapping, "sendmsg", SYS_sendmsg, {-1}},
    Trial{ForWrapping, "eventfd2", SYS_eventfd2, {0, -1}},
    Trial{ForWrapping, "poll", SYS_poll, {0, 0, 0}},
    Trial{ForWrapping, "flock", SYS_flock, {-1, LOCK_EX}},
    Trial{ForWrapping, "statfs", SYS_statfs, {}},
    Trial{ForWrapping, "chmod", SYS_chmod, {}},
    Trial{ForWrapping, "fchmod", SYS_fchmod, {-1}},
};

bool is_filtered() {
  constexpr int kFilter = 2;
  auto self = proc::read_status(getpid());
  return self && self->seccomp == kFilter;
}

// Says before each what comes next.
[[noreturn]] void issue_from(size_t first, int progress) {
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (size_t i = first; i < kTrials.size(); i++) {
    const auto place = static_cast<uint8_t>(i);
    if (write(progress, &place, 1) != 1) break;
    const auto& [a, b, c, d] = kTrials[i].arguments;
    syscall(kTrials[i].number, a, b, c, d, 0L, 0L);
  }
  _exit(0);
}

// The place of the first, from `first` on, that a child does not survive; none: kTrials.size().
// Where no child can be made there is nothing to be learnt.
size_t first_killed(size_t first) {
  int progress[2];
  if (::pipe2(progress, O_CLOEXEC) != 0) return kTrials.size();
  const pid_t child = ::fork();
  if (child == 0) issue_from(first, progress[1]);
  ::close(progress[1]);
  size_t last = kTrials.size();
  uint8_t place = 0;
  while (child > 0 && ::read(progress[0], &place, 1) == 1) last = place;
  ::close(progress[0]);
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && WIFSIGNALED(status) ? last : kTrials.size();
}

}  // namespace

Sandbox Sandbox::examine() {
  static_assert(kTrials.size() <= kMost);
  Sandbox sandbox;
  if (!is_filtered()) return sandbox;
  for (size_t i = 0; (i = first_killed(i)) < kTrials.size(); i++) sandbox.killed_.set(i);
  return sandbox;
}

bool Sandbox::kills(Call call) const { return !allows(call); }

Status Sandbox::allows(Call purpose) const {
  for (size_t i = 0; i < kTrials.size(); i++)
    if (kTrials[i].call == purpose && killed_[i])
      return Error{std::string("cannot trace: a seccomp filter kills whoever calls ") +
                       kTrials[i].name + "(2); docs/containers.md says what to allow",
                   EPERM};
  return Done{};
}

}  // namespace wc
