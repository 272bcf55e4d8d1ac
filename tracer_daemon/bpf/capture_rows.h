// What the programs in the kernel copy of a function's or a syscall's memory.
#pragma once

#include "bpf/records.h"
#include "events/function_table.h"
#include "program/capture_plan.h"

namespace wc {

wc_bpf_plan plan_for_syscall(uint32_t nr, bool is_reported, const DecodeOptions& options,
                             bool with_memory);
wc_bpf_plan plan_for_function(const FunctionInfo& function, const DecodeOptions& options,
                              bool with_memory);

}  // namespace wc
