#include "launch/attach.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "elf/image.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"
#include "program/program_tables.h"

namespace wc {
namespace {

std::string name_of(pid_t pid) {
  auto status = proc::read_status(pid);
  std::string name = status ? status->name : std::string();
  return std::to_string(pid) + (name.empty() ? "" : " (" + name + ")");
}

Error no_such_process(pid_t pid) {
  return Error{"cannot attach: there is no process " + std::to_string(pid), ESRCH};
}

bool belongs_to_another(pid_t pid) {
  struct stat owner {};
  return geteuid() != 0 && stat(proc::path_of(pid, "").c_str(), &owner) == 0 &&
         owner.st_uid != geteuid();
}

std::string yama_obstacle(int scope) {
  std::string setting = "/proc/sys/kernel/yama/ptrace_scope is " + std::to_string(scope);
  if (scope >= 3) return setting + ", which forbids all tracing until reboot";
  if (scope == 2) return setting + ", which allows root only: run as root, or set it to 0";
  return setting + ", which allows tracing one's own children only: run as root, or set it to 0";
}

}  // namespace

std::string tracer_of(pid_t pid) {
  auto status = proc::read_status(pid);
  return !status || status->tracer_pid == 0 ? std::string() : name_of(status->tracer_pid);
}

bool may_trace_all() {
  constexpr int kSysPtrace = 19;  // CAP_SYS_PTRACE in capabilities(7)
  auto self = proc::read_status(getpid());
  return self && (self->effective_capabilities >> kSysPtrace & 1) != 0;
}

Status inspect_running(pid_t pid) {
  std::string what = "cannot attach to process " + name_of(pid) + ": ";
  auto status = proc::read_status(pid);
  if (!status) return no_such_process(pid);
  if (pid == getpid()) return Error{what + "it is this tracer itself", EINVAL};
  const std::string group = std::to_string(status->tgid);
  if (status->tgid != pid)
    return Error{what + "it is a thread of process " + group + "; -p " + group +
                     " traces all of its threads",
                 EINVAL};
  if (status->is_zombie()) return Error{what + "it has ended already (a zombie)", ESRCH};
  if (!status->has_memory)
    return Error{what + "it is a kernel thread, which has no code of its own", EPERM};
  if (std::string tracer = tracer_of(pid); !tracer.empty())
    return Error{what + "process " + tracer +
                     " traces it already; a process has one tracer at a "
                     "time: end that one first",
                 EPERM};
  if (belongs_to_another(pid)) return attach_error(pid, EPERM);
  auto image = read_image(proc::path_of(pid, "exe"), false);
  if (!image && (image.error().code == EACCES || image.error().code == EPERM))
    return attach_error(pid, image.error().code);
  if (image) {
    std::string why = foreign_architecture(*image);
    if (!why.empty())
      return Error{
          what + "it " + why.substr(0, why.find(';')) + "; use strace -f -p " + std::to_string(pid),
          EPERM};
  }
  return Done{};
}

Error attach_error(pid_t pid, int code) {
  if (code == ESRCH) return no_such_process(pid);
  std::string what = "cannot attach to process " + name_of(pid) + ": ";
  if (code == ENOSYS)
    return Error{what +
                     "a sandbox or a container's seccomp policy leaves out ptrace(2), without "
                     "which no engine works (docs/containers.md)",
                 code};
  if (code != EPERM && code != EACCES) return Error::from_errno(what + "ptrace", code);
  if (std::string tracer = tracer_of(pid); !tracer.empty())
    return Error{what + "process " + tracer + " traces it already; end that one first", code};
  if (belongs_to_another(pid))
    return Error{what + "it belongs to another user; run as root or as that user", code};
  if (const int scope = proc::yama_scope(); scope >= 3 || (scope != 0 && !may_trace_all()))
    return Error{what + yama_obstacle(scope), code};
  if (may_trace_all())
    return Error{
        what + std::strerror(code) +
            "; a seccomp policy or a security module forbids ptrace(2) here, or the process "
            "is protected from it (docs/containers.md)",
        code};
  if (geteuid() == 0)
    return Error{what + std::strerror(code) +
                     "; root has no CAP_SYS_PTRACE here: start the container with "
                     "--cap-add=SYS_PTRACE (docs/containers.md)",
                 code};
  return Error{what + std::strerror(code) +
                   "; it has gained rights (set-user-ID, capabilities) or is not dumpable, or a "
                   "container's seccomp policy forbids ptrace(2): root with CAP_SYS_PTRACE may",
               code};
}

}  // namespace wc
