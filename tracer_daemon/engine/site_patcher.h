// Engine inproc: patches the syscall sites of libc and ld.so in a process that stands still at its
// first bell, before it has threads. A forked child inherits the patched text.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "elf/syscall_sites.h"
#include "engine/capture_plan.h"
#include "engine/tracee.h"

namespace wc {

class SitePatcher {
 public:
  explicit SitePatcher(const SyscallPlans& plans) : plans_(plans) {}

  struct Outcome {
    unsigned patched = 0;
    unsigned left = 0;  // to dispatch: the tracer's own syscalls, and sites that cannot be patched
    std::string problem;  // why nothing was patched; else empty
  };
  Outcome patch(Process& process);

 private:
  struct Library {
    std::string path;
    uint64_t bias = 0;  // added to an address as in the file
  };
  static std::vector<Library> libraries_of(pid_t pid);
  std::shared_ptr<const SyscallSites> sites_of(const std::string& path);

  const SyscallPlans& plans_;
  std::map<std::string, std::shared_ptr<const SyscallSites>> known_;
};

}  // namespace wc
