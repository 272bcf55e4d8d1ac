#include "launch/start_program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "launch/attach.h"
#include "launch/signals.h"
#include "proc/process.h"

namespace wc {
namespace {

// Which setting stands in the way of tracing one's own child.
std::string obstacle_to_tracing(int code) {
  if (code == ENOSYS)
    return "; a sandbox or a container's seccomp policy leaves out ptrace(2), without which no "
           "engine works: docs/containers.md says how to allow it";
  if (code != EPERM && code != EACCES) return {};
  const int scope = proc::yama_scope();
  if (scope == 3)
    return "; /proc/sys/kernel/yama/ptrace_scope is 3, which forbids all tracing until reboot";
  if (scope == 2 && !may_trace_all())
    return "; /proc/sys/kernel/yama/ptrace_scope is 2: run as root, or set it to 1";
  if (std::string tracer = tracer_of(getpid()); !tracer.empty())
    return "; this process is itself being traced, by process " + tracer;
  return "; a container's seccomp policy may forbid ptrace(2), without which no engine works: run "
         "it with --cap-add=SYS_PTRACE (docs/containers.md)";
}

long raw_syscall(long nr, long a, long b, long c, long d = 0) {
  long result;
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
  return result;
}

template <typename T>
long word(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

}  // namespace

// The child shares the tracer's memory until its exec: copying it costs half a millisecond, and as
// much again when the tracer writes to it. So it is given all that it needs, and touches nothing
// else, errno included, which is its parent's.
struct StartedProgram::Child {
  static constexpr const char* kShell = "/bin/sh";
  const char* argv_path = nullptr;
  char* const* argv_data = nullptr;
  char* const* shell_argv_data = nullptr;
  std::string path;
  std::vector<std::string> arguments;
  std::vector<char*> argv;
  std::vector<char*> shell_argv;  // for what is no program, as execvp(3) does
  char** environment = environ;
  int go = -1, go_other_end = -1, failed = -1;  // numbers in the child
  InheritedSignals signals;                     // its own from the start
  Identity identity;
  alignas(16) char stack[16384];

  // Handlers end with the exec by themselves.
  [[gnu::no_sanitize("address", "undefined")]] static void take_inherited(
      const InheritedSignals& signals) {
    struct {
      void (*handler)(int);
      unsigned long flags;
      void (*restorer)();
      uint64_t mask;
    } ignore{SIG_IGN, 0, nullptr, 0};
    for (int number = 1; number <= 64; number++)
      if ((signals.ignored >> (number - 1) & 1) != 0)
        raw_syscall(SYS_rt_sigaction, number, word(&ignore), 0, sizeof ignore.mask);
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, word(&signals.blocked), 0, sizeof ignore.mask);
  }

  // Groups first, while it may. 0, or what the kernel says.
  [[gnu::no_sanitize("address", "undefined")]] static long become(const Identity& identity) {
    if (identity.is_own) return 0;
    long code = raw_syscall(SYS_setgroups, static_cast<long>(identity.groups.size()),
                            word(identity.groups.data()), 0);
    const auto group = static_cast<long>(identity.group), user = static_cast<long>(identity.user);
    if (code == 0) code = raw_syscall(SYS_setresgid, group, group, group);
    if (code == 0) code = raw_syscall(SYS_setresuid, user, user, user);
    return code;
  }

  [[gnu::no_sanitize("address", "undefined")]] static int run(void* data) {
    auto& self = *static_cast<Child*>(data);
    raw_syscall(SYS_close, self.go_other_end, 0, 0);
    char byte;
    while (raw_syscall(SYS_read, self.go, word(&byte), 1) == -EINTR) {
    }
    take_inherited(self.signals);
    long code = become(self.identity);
    if (code == 0)
      code = raw_syscall(SYS_execve, word(self.argv_path), word(self.argv_data),
                         word(self.environment));
    if (code == -ENOEXEC)
      code =
          raw_syscall(SYS_execve, word(kShell), word(self.shell_argv_data), word(self.environment));
    int error = static_cast<int>(-code);
    raw_syscall(SYS_write, self.failed, word(&error), sizeof error);
    raw_syscall(SYS_exit_group, 127, 0, 0);
    return 0;
  }
};

StartedProgram::StartedProgram() = default;
StartedProgram::StartedProgram(StartedProgram&&) noexcept = default;
StartedProgram& StartedProgram::operator=(StartedProgram&&) noexcept = default;
StartedProgram::~StartedProgram() = default;

namespace {

std::unique_ptr<StartedProgram::Child> describe_child(const std::string& path,
                                                      const std::vector<std::string>& arguments) {
  auto child = std::make_unique<StartedProgram::Child>();
  child->path = path;
  child->arguments = arguments;
  child->shell_argv = {const_cast<char*>(StartedProgram::Child::kShell), child->path.data()};
  for (std::string& argument : child->arguments) child->argv.push_back(argument.data());
  for (size_t i = 1; i < child->argv.size(); i++) child->shell_argv.push_back(child->argv[i]);
  child->argv.push_back(nullptr);
  child->shell_argv.push_back(nullptr);
  child->signals = inherited_signals();
  child->argv_path = child->path.c_str();
  child->argv_data = child->argv.data();
  child->shell_argv_data = child->shell_argv.data();
  return child;
}

}  // namespace

Result<StartedProgram> start_program(const std::string& path,
                                     const std::vector<std::string>& arguments, Follow follow,
                                     FirstStop first, const OwnLimits& limits, Identity identity) {
  int go[2], failed[2];
  if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0)
    return Error::from_errno("cannot create a pipe", errno);
  ScopedFd go_read(go[0]), go_write(go[1]), failed_read(failed[0]), failed_write(failed[1]);
  StartedProgram started;
  started.child = describe_child(path, arguments);
  StartedProgram::Child& child = *started.child;
  child.identity = std::move(identity);
  child.go = go[0];
  child.go_other_end = go[1];
  child.failed = failed[1];
  pid_t pid = clone(StartedProgram::Child::run, child.stack + sizeof child.stack,
                    CLONE_VM | SIGCHLD, &child);
  if (pid < 0)
    return Error::from_errno("cannot start a process (see ulimit -u, or the limit of a container)",
                             errno);
  auto give_up = [pid](Error error) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return error;
  };
  Kernel& kernel = Kernel::real();
  const bool is_seized = first != FirstStop::None;
  if (int code = is_seized ? seize(kernel, pid, follow) : 0; code != 0)
    return give_up(
        Error{Error::from_errno("cannot trace", code).message + obstacle_to_tracing(code), code});
  if (auto given = limits.give_back(pid); !given) return give_up(given.error());
  // It stops before it sees the end of its pipe, so that none of its syscalls is missed.
  if (first == FirstStop::BeforeExec) interrupt(kernel, pid);
  started.pid = pid;
  started.exec_error = std::move(failed_read);
  if (!is_seized) started.go = std::move(go_write);
  return started;  // go_write closes here: the child executes
}

}  // namespace wc
