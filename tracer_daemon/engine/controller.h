// Carries out what wc-ctl asks for, between two events, on the tracer's thread.
#pragma once

#include <cstdint>
#include <string>

#include "control/command.h"
#include "engine/subscriptions.h"
#include "engine/switching.h"
#include "gates/dispatch_gate.h"
#include "recording/thread_records.h"
#include "tracee/tracees.h"

namespace wc {

class Controller {
 public:
  struct Parts {
    Tracees& tracees;
    ThreadRecords& records;
    Switching& switching;
    const DispatchGate& dispatch;
    Subscriptions& subscriptions;
  };
  // `plans`: the run's, for processes to come.
  Controller(const TraceRun& run, const Parts& parts, SyscallPlans& plans);

  // Answers with one JSON object.
  void execute(const std::string& line, const std::shared_ptr<ControlPeer>& peer);
  // Tracing is to end, and the programs run on.
  [[nodiscard]] bool stop_requested() const { return stop_requested_; }

 private:
  struct Answer;
  Status perform(const ControlCommand& command, Answer& answer);
  Status change_functions(const ControlCommand& command);
  Status change_samples(const std::string& request);
  Status change_syscalls(const std::string& list);
  Status write_snapshot(const std::string& path, Answer& answer);
  Status change_backends(const ControlCommand& command, Answer& answer);
  Status change_rules(const ControlCommand& command, Answer& answer);
  void pause(bool is_paused);
  void publish();
  void report_only(const SyscallSet& syscalls);
  void describe(Answer& answer);

  const TraceRun& run_;
  Parts parts_;
  SyscallPlans& plans_;
  SyscallSet syscalls_;  // that are reported while nothing is paused
  uint64_t begun_;       // CLOCK_MONOTONIC, nanoseconds
  bool stop_requested_ = false;
};

}  // namespace wc
