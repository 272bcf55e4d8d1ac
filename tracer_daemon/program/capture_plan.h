// Which syscalls and functions a patched site of engine inproc may record by itself, and what
// memory must go into a record, of engine bpf too, so that the decoders can print it later.
#pragma once

#include <array>
#include <vector>

#include "catalog/catalog.h"
#include "decode/decoder.h"
#include "decode/syscall_filter.h"
#include "protocol/stub.h"
#include "rings/process_share.h"

namespace wc {

// `with_memory`: some backend shows arguments. Without, words are enough.
SyscallPlans plan_syscalls(const SyscallSet& reported, const DecodeOptions& options,
                           bool with_memory);

// False: the tracer must read the arguments of this function itself. `thin`: what it writes is in
// the record of its syscall. `alone`: there may be no such record (-a).
bool plan_function(const FunctionSpec* spec, bool thin, bool alone, const DecodeOptions& options,
                   bool with_memory, wc_capture (&captures)[WC_FUNCTION_CAPTURES]);

// Engine bpf: as many pieces as can be told from the words, whoever else would have to look.
std::vector<wc_capture> captures_of_syscall(uint32_t nr, const DecodeOptions& options);
std::vector<wc_capture> captures_of_function(const FunctionSpec& spec,
                                             const DecodeOptions& options);

// Whether variadic arguments follow a printf format.
bool ends_in_format(const FunctionSpec& spec);

}  // namespace wc
