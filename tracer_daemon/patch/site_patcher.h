// Engine inproc: patches the syscall sites of libc and ld.so, and of the libraries that are asked
// for, in a process that stands still at its first bell, before it has threads. A forked child
// inherits the patched text. Libraries that come later, by dlopen, are left to dispatch: threads
// may run by then.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "patch/site_cache.h"
#include "patch/syscall_sites.h"
#include "proc/maps.h"
#include "program/capture_plan.h"
#include "tracee/tracee.h"

namespace wc {

class SitePatcher {
 public:
  // `libraries`: globs over file names.
  SitePatcher(const SyscallPlans& plans, std::vector<std::string> libraries)
      : plans_(plans), libraries_(std::move(libraries)), cache_(CacheFolder::of_user()) {}

  // What became of the sites of one library. All that are not patched are left to dispatch.
  struct LibraryOutcome {
    std::string path;
    unsigned patched = 0;
    unsigned tracers = 0;  // syscalls that the tracer must see itself
    unsigned changed = 0;  // memory does not hold what the file does
    unsigned far = 0;      // from the shim, or no thunk is free
    std::vector<RefusedSite> refused;
    bool is_new = false;  // not seen before in this run

    [[nodiscard]] unsigned left() const {
      return tracers + changed + far + static_cast<unsigned>(refused.size());
    }
  };
  struct Outcome {
    std::vector<LibraryOutcome> libraries;
    std::string problem;  // why nothing was patched; else empty
  };
  Outcome patch(Process& process);
  // Of the globs, those that no library of any program has had as its name. None where nothing was
  // looked at.
  [[nodiscard]] std::vector<std::string> unmet() const;

 private:
  [[nodiscard]] std::vector<proc::Mapping> mappings_of(pid_t pid);
  bool is_asked_for(const std::string& path);
  std::shared_ptr<const SyscallSites> sites_of(const std::string& path);

  const SyscallPlans& plans_;
  std::vector<std::string> libraries_;
  std::set<std::string> met_;  // globs of them
  SiteCache cache_;
  std::map<std::string, std::shared_ptr<const SyscallSites>> known_;
};

// -v: one line a library.
std::string describe(const SitePatcher::LibraryOutcome& outcome);

}  // namespace wc
