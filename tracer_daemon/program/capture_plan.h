// Engine inproc: which syscalls and functions a patched site may record by itself, and what memory
// must go into the record so that the decoders can print it later.
#pragma once

#include <array>

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

// Whether variadic arguments follow a printf format.
bool ends_in_format(const FunctionSpec& spec);

}  // namespace wc
