// "Fields are only ever appended" as a check: the place of the last field of ABI 1 and the size of
// each struct. A field that is appended in good order changes a size here (and gets a row in
// docs/backend-abi.md); a last field that has moved breaks every backend that was built before.
#include <cstddef>

#include "wc_backend.h"

namespace {

#define WC_LAYOUT(type, last, offset, size)                                      \
  static_assert(offsetof(type, last) == (offset), "a field of " #type " moved"); \
  static_assert(sizeof(type) == (size), #type " has another size")

WC_LAYOUT(wc_verdict, args, 8, 56);
WC_LAYOUT(wc_arg, text, 16, 24);                   // lies in arrays: never grows within an ABI
WC_LAYOUT(wc_caller, line, 40, 48);                // lies inside wc_call: never grows within an ABI
WC_LAYOUT(wc_stack_frame, object_offset, 48, 56);  // lies in arrays, as well
WC_LAYOUT(wc_call, caller, 80, 152);
WC_LAYOUT(wc_call, frames, 128, 152);
WC_LAYOUT(wc_call, weight, 144, 152);
WC_LAYOUT(wc_call, kind, 140, 152);
WC_LAYOUT(wc_syscall, error_name, 112, 176);
WC_LAYOUT(wc_syscall, frames, 120, 176);
WC_LAYOUT(wc_syscall, fd_path, 152, 176);
WC_LAYOUT(wc_syscall, injected, 160, 176);
WC_LAYOUT(wc_return, args_text, 72, 80);
WC_LAYOUT(wc_process, text, 48, 72);
WC_LAYOUT(wc_process, quiet, 56, 72);
WC_LAYOUT(wc_process, frames, 64, 72);
WC_LAYOUT(wc_object, tid, 48, 128);
WC_LAYOUT(wc_object, call, 112, 128);
WC_LAYOUT(wc_object, dur, 120, 128);
WC_LAYOUT(wc_lost, count, 16, 24);
WC_LAYOUT(wc_totals, ns, 32, 48);
WC_LAYOUT(wc_totals, kind, 40, 48);
WC_LAYOUT(wc_raw, ts, 32, 40);
WC_LAYOUT(wc_run, kernel, 32, 40);
WC_LAYOUT(wc_host, is_terminal, 48, 160);
WC_LAYOUT(wc_host, want, 56, 160);
WC_LAYOUT(wc_host, one_process, 64, 160);
WC_LAYOUT(wc_host, columns, 76, 160);
WC_LAYOUT(wc_host, argv, 88, 160);
WC_LAYOUT(wc_host, breakpoints, 104, 160);
WC_LAYOUT(wc_host, say, 128, 160);
WC_LAYOUT(wc_host, run, 136, 160);
WC_LAYOUT(wc_host, retire, 152, 160);
WC_LAYOUT(wc_backend, close, 112, 152);
WC_LAYOUT(wc_backend, snapshot, 120, 152);
WC_LAYOUT(wc_backend, wake_at, 128, 152);
WC_LAYOUT(wc_backend, raw, 136, 152);
WC_LAYOUT(wc_backend, prepare, 144, 152);

}  // namespace
