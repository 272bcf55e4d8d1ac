#include "launch/gate_choice.h"

#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

namespace wc {
namespace {

// Tried on this very thread, with the selector on "allow".
int dispatch_error() {
  static char selector = 0;
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) != 0) return errno;
  prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
  return 0;
}

}  // namespace

Result<GateDecision> choose_gate(GateChoice choice) {
  switch (choice) {
    case GateChoice::Socket:
      return GateDecision{WC_GATE_SOCKET, "gate socket: as asked for"};
    case GateChoice::Trap:
      return GateDecision{WC_GATE_TRAP, "gate trap: as asked for"};
    case GateChoice::Dispatch:
      if (int code = dispatch_error(); code != 0)
        return Error::from_errno(
            "gate dispatch needs Syscall User Dispatch (Linux 5.11 or newer), which is refused; "
            "use "
            "-g trap",
            code);
      return GateDecision{WC_GATE_DISPATCH, "gate dispatch: as asked for"};
    case GateChoice::Auto:
      break;
  }
  if (int code = dispatch_error(); code != 0)
    return GateDecision{WC_GATE_TRAP, std::string("gate trap: Syscall User Dispatch is refused (") +
                                          std::strerror(code) + ")"};
  return GateDecision{WC_GATE_DISPATCH,
                      "gate dispatch: the kernel has Syscall User Dispatch, calls without syscalls "
                      "cost two byte stores"};
}

}  // namespace wc
