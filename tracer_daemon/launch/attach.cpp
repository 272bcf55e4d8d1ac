#include "launch/attach.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "elf/image.h"
#include "engine/program_tables.h"

namespace wc {
namespace {

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

// One field of /proc/PID/status, without blanks around it.
std::string status_field(pid_t pid, std::string_view field) {
  std::ifstream file(folder_of(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(field) || line.size() <= field.size() || line[field.size()] != ':')
      continue;
    size_t from = line.find_first_not_of(" \t", field.size() + 1);
    return from == std::string::npos ? std::string() : line.substr(from);
  }
  return {};
}

std::string name_of(pid_t pid) {
  std::string name = status_field(pid, "Name");
  return std::to_string(pid) + (name.empty() ? "" : " (" + name + ")");
}

Error no_such_process(pid_t pid) {
  return Error{"cannot attach: there is no process " + std::to_string(pid), ESRCH};
}

// Empty: nobody traces it.
std::string tracer_of(pid_t pid) {
  std::string tracer = status_field(pid, "TracerPid");
  return tracer.empty() || tracer == "0" ? std::string() : name_of(std::stoi(tracer));
}

bool belongs_to_another(pid_t pid) {
  struct stat owner {};
  return geteuid() != 0 && stat(folder_of(pid).c_str(), &owner) == 0 && owner.st_uid != geteuid();
}

}  // namespace

Status inspect_running(pid_t pid) {
  std::string what = "cannot attach to process " + name_of(pid) + ": ";
  std::string group = status_field(pid, "Tgid");
  if (group.empty()) return no_such_process(pid);
  if (pid == getpid()) return Error{what + "it is this tracer itself", EINVAL};
  if (group != std::to_string(pid))
    return Error{what + "it is a thread of process " + group + "; -p " + group +
                     " traces all of its threads",
                 EINVAL};
  std::string state = status_field(pid, "State");
  if (state.starts_with('Z')) return Error{what + "it has ended already (a zombie)", ESRCH};
  if (status_field(pid, "VmSize").empty())
    return Error{what + "it is a kernel thread, which has no code of its own", EPERM};
  if (std::string tracer = tracer_of(pid); !tracer.empty())
    return Error{what + "process " + tracer +
                     " traces it already; a process has one tracer at a "
                     "time: end that one first",
                 EPERM};
  if (belongs_to_another(pid)) return attach_error(pid, EPERM);
  auto image = read_image(folder_of(pid) + "/exe", false);
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
  if (code != EPERM && code != EACCES) return Error::from_errno(what + "ptrace", code);
  if (std::string tracer = tracer_of(pid); !tracer.empty())
    return Error{what + "process " + tracer + " traces it already; end that one first", code};
  if (belongs_to_another(pid))
    return Error{what + "it belongs to another user; run as root or as that user", code};
  std::ifstream yama("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  if (yama >> scope && scope != 0) {
    std::string setting = "/proc/sys/kernel/yama/ptrace_scope is " + std::to_string(scope);
    if (scope >= 3) return Error{what + setting + ", which forbids all tracing until reboot", code};
    return Error{what + setting + ", which allows " +
                     (scope == 1 ? "tracing one's own children only" : "root only") +
                     ": run as root, or set it to 0",
                 code};
  }
  return Error{what + std::strerror(code) +
                   "; a process that has gained rights, or that a container's seccomp policy "
                   "protects, can be traced by root only",
               code};
}

}  // namespace wc
