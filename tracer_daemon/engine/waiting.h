// How the tracer waits. Ten times a second it looks at what no stop reports: rings that fill,
// outputs and orphans that wait. Where nothing of that can come, it rests: a stop, a signal or
// posted work wakes it, and a look a second is left for outputs and for what came between two
// waits.
#pragma once

#include <vector>

#include "gates/socket_gate.h"
#include "signals/heartbeat.h"
#include "signals/own_signals.h"
#include "tracee/tracees.h"

namespace wc {

class Waiting {
 public:
  struct Parts {
    const Tracees& tracees;
    Stops& stops;
    Heartbeat& heartbeat;
    SocketGate& socket_gate;
    const OwnSignals& own_signals;
  };
  Waiting(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  void begin();
  // Nothing (tid 0) where something else than a stop has ended the wait.
  Seen wait_for_stop();

  // After a look: whether the next one may be far off. `others_wait`: somebody counts the looks.
  void rest_if_quiet(bool others_wait);
  void end_rest();

 private:
  Seen next_in_turn();
  Seen wait_by_descriptors();
  Seen wait_by_signal();
  [[nodiscard]] bool may_write_unseen(const Thread& thread) const;
  [[nodiscard]] bool is_quiet() const;
  [[nodiscard]] bool rests() const;

  const TraceRun& run_;
  Parts parts_;
  std::vector<pid_t> turn_;  // still to be looked at in this round
  size_t stops_since_round_ = 0, found_in_round_ = 0;
  unsigned quiet_ticks_ = 0;  // since there was a stop, or something to look at
};

}  // namespace wc
