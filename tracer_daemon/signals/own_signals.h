// Signals that the tracer itself was sent: they are the program's, or end the tracer.
#pragma once

#include <utility>

#include "signals/heartbeat.h"
#include "signals/passed_signals.h"
#include "tracee/tracees.h"

namespace wc {

class OwnSignals {
 public:
  OwnSignals(const TraceRun& run, Tracees& tracees, Heartbeat& heartbeat)
      : run_(run), tracees_(tracees), heartbeat_(heartbeat) {}

  // Takes what has come, and passes on what is due. True: the tracer is to stop.
  bool receive();
  // Whether somebody has asked for what there is so far, since the last look.
  bool take_request() { return std::exchange(is_asked_, false); }
  // The same for the flight recorder's events: SIGUSR2.
  bool take_flight_request() { return std::exchange(wants_flight_, false); }
  // A signal stop of a tracee, and a process's end: what has arrived is not sent again.
  void arrived(pid_t pid, const siginfo_t& info);
  void ended(pid_t pid);
  [[nodiscard]] bool waiting() const { return !passed_.empty(); }

 private:
  bool is_request(const ReceivedSignal& received) const;
  void pass_on(const ReceivedSignal& received);

  const TraceRun& run_;
  Tracees& tracees_;
  Heartbeat& heartbeat_;
  PassedSignals passed_;
  bool is_asked_ = false;
  bool wants_flight_ = false;
};

}  // namespace wc
