// The limits of the machine (ulimit) are meant for the program. The tracer gets out of their way as
// far as it may, and the program is started with those that this process was given, to the byte.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>

#include "base/result.h"

namespace wc {

class OwnLimits {
 public:
  // Each soft limit goes up to its hard one. A write beyond the largest file size (SIGXFSZ) is an
  // error like others from here on.
  OwnLimits();

  // `pid`: a child that has not executed yet, or 0 for this process, which is about to execute.
  [[nodiscard]] Status give_back(pid_t pid) const;

 private:
  struct Raised {
    bool is_raised = false;
    rlimit before{};
  };
  static constexpr std::array<__rlimit_resource, 6> kResources = {
      RLIMIT_NOFILE, RLIMIT_DATA, RLIMIT_AS, RLIMIT_STACK, RLIMIT_FSIZE, RLIMIT_CPU};
  std::array<Raised, kResources.size()> raised_{};
};

// Whether the tracer can work with as many descriptors as may be opened here: for libraries to be
// looked at, the socket, each traced process.
Status check_descriptors();

}  // namespace wc
