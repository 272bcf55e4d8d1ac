#include "launch/proc_check.h"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace wc {

// What is known of a process comes from /proc by its pid, and by that its memory is written. Seen
// from another namespace, as left by unshare(1) without --mount-proc, a pid is somebody else's
// there.
Status check_proc() {
  char self[32] = "";
  if (readlink("/proc/self", self, sizeof self - 1) <= 0)
    return Error::from_errno(
        "/proc must be mounted (mount -t proc proc /proc): cannot read /proc/self", errno);
  if (self != std::to_string(getpid()))
    return Error{"/proc shows the processes of another PID namespace (this process is " +
                     std::to_string(getpid()) + ", there " + self +
                     "): mount its own, as unshare --mount-proc or bwrap --proc /proc do",
                 0};
  return Done{};
}

}  // namespace wc
