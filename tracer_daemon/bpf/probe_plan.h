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

  // What was chosen goes into `table`. `program_throws`: exceptions may come by.
  Result<FileProbes> plan(const ObjectFile& object, const std::set<std::string>& in_program,
                          bool program_throws, FunctionTable& table);

 private:
  BreakPlan& plan_;
};

// Whether C++ or Rust code is in there, whose exceptions unwind the stack.
bool has_exceptions(const ObjectFile& object);

}  // namespace wc
