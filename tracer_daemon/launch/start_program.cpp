#include "launch/start_program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "proc/process.h"
#include "proc/status.h"

namespace wc {
namespace {

// Which setting stands in the way.
std::string permission_hint(int code) {
  if (code != EPERM) return {};
  const int scope = proc::yama_scope();
  if (scope == 3)
    return "; /proc/sys/kernel/yama/ptrace_scope is 3, which forbids all tracing until reboot";
  if (scope == 2) return "; /proc/sys/kernel/yama/ptrace_scope is 2: run as root, or set it to 1";
  if (auto self = proc::read_status(getpid()); self && self->tracer_pid != 0)
    return "; this process is itself being traced, by process " + std::to_string(self->tracer_pid);
  return "; a container's seccomp policy may forbid ptrace: run it with --cap-add=SYS_PTRACE";
}

long raw_syscall(long nr, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c)
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
  alignas(16) char stack[16384];

  [[gnu::no_sanitize("address", "undefined")]] static int run(void* data) {
    auto& self = *static_cast<Child*>(data);
    raw_syscall(SYS_close, self.go_other_end, 0, 0);
    char byte;
    while (raw_syscall(SYS_read, self.go, word(&byte), 1) == -EINTR) {
    }
    long code =
        raw_syscall(SYS_execve, word(self.argv_path), word(self.argv_data), word(self.environment));
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
  child->argv_path = child->path.c_str();
  child->argv_data = child->argv.data();
  child->shell_argv_data = child->shell_argv.data();
  return child;
}

}  // namespace

Result<StartedProgram> start_program(const std::string& path,
                                     const std::vector<std::string>& arguments, Follow follow,
                                     FirstStop first) {
  int go[2], failed[2];
  if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0)
    return Error::from_errno("cannot create a pipe", errno);
  ScopedFd go_read(go[0]), go_write(go[1]), failed_read(failed[0]), failed_write(failed[1]);
  StartedProgram started;
  started.child = describe_child(path, arguments);
  StartedProgram::Child& child = *started.child;
  child.go = go[0];
  child.go_other_end = go[1];
  child.failed = failed[1];
  pid_t pid = clone(StartedProgram::Child::run, child.stack + sizeof child.stack,
                    CLONE_VM | SIGCHLD, &child);
  if (pid < 0) return Error::from_errno("cannot start a process", errno);
  Kernel& kernel = Kernel::real();
  if (int code = seize(kernel, pid, follow); code != 0) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Error{Error::from_errno("cannot trace", code).message + permission_hint(code), code};
  }
  // It stops before it sees the end of its pipe, so that none of its syscalls is missed.
  if (first == FirstStop::BeforeExec) interrupt(kernel, pid);
  started.pid = pid;
  started.exec_error = std::move(failed_read);
  return started;  // go_write closes here: the child executes
}

}  // namespace wc
