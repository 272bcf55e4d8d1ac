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

// Why it is refused; empty: it is not. Tried on this very thread, with the selector on "allow".
std::string dispatch_obstacle(const Sandbox& sandbox) {
  if (sandbox.kills(Sandbox::Call::Dispatch)) return "a seccomp filter kills whoever asks for it";
  static char selector = 0;
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) != 0)
    return std::strerror(errno);
  prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
  return {};
}

}  // namespace

Result<GateDecision> choose_gate(GateChoice choice, const Sandbox& sandbox) {
  switch (choice) {
    case GateChoice::Socket:
      return GateDecision{WC_GATE_SOCKET, "gate socket: as asked for"};
    case GateChoice::Trap:
      return GateDecision{WC_GATE_TRAP, "gate trap: as asked for"};
    case GateChoice::Dispatch:
      if (std::string why = dispatch_obstacle(sandbox); !why.empty())
        return Error{
            "gate dispatch needs Syscall User Dispatch (Linux 5.11 or newer), which is "
            "refused; use -g trap: " +
                why,
            EPERM};
      return GateDecision{WC_GATE_DISPATCH, "gate dispatch: as asked for"};
    case GateChoice::Auto:
      break;
  }
  if (std::string why = dispatch_obstacle(sandbox); !why.empty())
    return GateDecision{WC_GATE_TRAP, "gate trap: Syscall User Dispatch is refused (" + why + ")"};
  return GateDecision{WC_GATE_DISPATCH,
                      "gate dispatch: the kernel has Syscall User Dispatch, calls without syscalls "
                      "cost two byte stores"};
}

}  // namespace wc
