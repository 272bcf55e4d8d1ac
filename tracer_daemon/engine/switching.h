// Functions that are switched off and on while programs run: the rows of a program's stub table, as
// its memory has them and as the tracer knows them.
//
// A call is on one side of a change, by its number: what a thread had recorded when its process's
// rows were written is reported as before, and what it records later of a function that was on as
// its call began is left out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "control/function_switch.h"
#include "recording/thread_records.h"
#include "tracee/trace_run.h"
#include "tracee/tracees.h"

namespace wc {

class Switching {
 public:
  Switching(const TraceRun& run, Tracees& tracees, ThreadRecords& records)
      : run_(run),
        tracees_(tracees),
        records_(records),
        functions_(run.options.switched_on, run.options.samples) {}

  // A program's shim has told where its rows are; all are as the program's file has them, or as its
  // parent had them.
  void begin(Process& process);
  // A forked child has its parent's rows, as they were a moment ago. It stands still.
  void inherit(Process& child, const Process& parent);
  // All processes' rows become what the switch says. What their threads have recorded is read when
  // the new rows are written and the tracer still knows the old ones.
  void apply();
  // Another list of samples; all count from the beginning.
  void sample(SampleList samples);
  FunctionSwitch& functions() { return functions_; }

 private:
  using ModesOf = std::function<std::shared_ptr<const FunctionModes>(const Process&)>;
  // All processes' rows, and what the tracer takes them for once it has read what came before.
  void change_to(const ModesOf& modes_of);
  void write(Process& process, const FunctionModes& modes, const FunctionModes* before) const;

  const TraceRun& run_;
  Tracees& tracees_;
  ThreadRecords& records_;
  FunctionSwitch functions_;
};

}  // namespace wc
