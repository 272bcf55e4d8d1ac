// What this process may do with BPF, in words.
#pragma once

#include "base/result.h"

namespace wc {

// `code`: the errno with which the kernel has refused the programs.
Error bpf_load_error(int code);
// Nothing is wrong: it may load programs and see others' syscalls. Asked for before it is tried.
Status check_bpf_rights();

}  // namespace wc
