// Which functions of a file are probed, and where: at the first instruction that the kernel need
// not step over, and where they return.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bpf/kernel_side.h"
#include "breakpoints/break_plan.h"
#include "events/function_table.h"

namespace wc {

struct FileProbes {
  std::vector<Probe> probes;  // their functions are numbers of the table
  std::vector<std::string> refusals, warnings;
};

class ProbePlan {
 public:
  explicit ProbePlan(BreakPlan& plan) : plan_(plan) {}

  // What was chosen goes into `table`. `by_address`: whether return addresses may be replaced.
  Result<FileProbes> plan(const ObjectFile& object, const std::set<std::string>& in_program,
                          bool by_address, FunctionTable& table);

 private:
  BreakPlan& plan_;
};

// Whether a program with this file does what a replaced return address does not survive: it unwinds
// its stack (C++ and Rust, pthread_cancel), or runs handlers on a stack of their own, after which
// the kernel no longer knows its return probes, or has a seccomp filter, which may kill it for the
// syscall that returns from one.
bool unwinds(const ObjectFile& object);

}  // namespace wc
