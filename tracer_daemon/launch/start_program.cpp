#include "launch/start_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "engine/ptrace.h"

namespace wc {
namespace {

// Which setting stands in the way.
std::string permission_hint(int code) {
  if (code != EPERM) return {};
  std::ifstream yama("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  if (yama >> scope && scope == 3)
    return "; /proc/sys/kernel/yama/ptrace_scope is 3, which forbids all tracing until reboot";
  if (scope == 2) return "; /proc/sys/kernel/yama/ptrace_scope is 2: run as root, or set it to 1";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("TracerPid:", 0) == 0 && line.find_last_not_of("0 \t") > 9)
      return "; this process is itself being traced (" + line + ")";
  return "; a container's seccomp policy may forbid ptrace: run it with --cap-add=SYS_PTRACE";
}

[[noreturn]] void become(const std::string& path, const std::vector<std::string>& arguments, int go,
                         int error_fd) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  char byte;
  while (read(go, &byte, 1) < 0 && errno == EINTR) {
  }
  execvp(path.c_str(), argv.data());
  int code = errno;
  [[maybe_unused]] ssize_t n = write(error_fd, &code, sizeof code);
  _exit(127);
}

}  // namespace

Result<StartedProgram> start_program(const std::string& path,
                                     const std::vector<std::string>& arguments, bool follow,
                                     FirstStop first) {
  int go[2], failed[2];
  if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0)
    return Error::from_errno("cannot create a pipe", errno);
  ScopedFd go_read(go[0]), go_write(go[1]), failed_read(failed[0]), failed_write(failed[1]);
  pid_t pid = fork();
  if (pid < 0) return Error::from_errno("cannot fork", errno);
  if (pid == 0) {
    go_write.reset();
    become(path, arguments, go_read.get(), failed_write.get());
  }
  int code = 0;
  if (!seize(pid, follow, code)) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Error{Error::from_errno("cannot trace", code).message + permission_hint(code), code};
  }
  // It stops before it sees the end of its pipe, so that none of its syscalls is missed.
  if (first == FirstStop::BeforeExec) ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
  StartedProgram started;
  started.pid = pid;
  started.exec_error = std::move(failed_read);
  return started;  // go_write closes here: the child executes
}

}  // namespace wc
