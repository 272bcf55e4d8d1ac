// How the tracer waits. Ten times a second it looks at what no stop reports: rings that fill,
// outputs and orphans that wait; every few milliseconds where a call is open whose return no stop
// reports, for its line is to be seen at once. Where nothing of that can come, it rests: a stop, a
// signal or posted work wakes it, and a look a second is left for outputs and for what came between
// two waits.
#pragma once

#include <vector>

#include "engine/subscriptions.h"
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
    const Subscriptions& subscriptions;
  };
  Waiting(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  void begin();
  // Nothing (tid 0) where something else than a stop has ended the wait.
  Seen wait_for_stop();

  // After a stop: what follows it in the program without another one is looked for soon.
  void expect_more(uint64_t now);
  // Between two stops.
  [[nodiscard]] bool is_time_to_look(uint64_t now);
  // After a look that has found so many records: when the next one is due, `latest` at the latest.
  void plan_look(size_t found, uint64_t now, uint64_t latest);
  // After one of the ten looks a second: whether the next one may be far off. `others_wait`:
  // somebody counts them.
  void rest_if_quiet(uint64_t now, bool others_wait);
  void end_rest();

 private:
  Seen next_in_turn();
  Seen wait_by_descriptors();
  Seen wait_by_signal();
  Seen sleep_until_stop();
  enum class Unseen { Nothing, WhenItWakes, AnyMoment };
  [[nodiscard]] Unseen may_write(const Thread& thread) const;
  [[nodiscard]] bool expects_unseen(uint64_t now) const;
  [[nodiscard]] bool is_in_process() const {
    return (run_.options.config & WC_CONFIG_IN_PROCESS) != 0;
  }
  [[nodiscard]] Heartbeat::Period until_due(uint64_t now) const;
  bool ask_for_bells();
  [[nodiscard]] bool is_quiet() const;
  [[nodiscard]] bool rests() const;

  const TraceRun& run_;
  Parts parts_;
  std::vector<pid_t> turn_;  // still to be looked at in this round
  size_t stops_since_round_ = 0, found_in_round_ = 0;
  uint64_t next_look_ = 0, last_stop_ = 0;
  unsigned quiet_ticks_ = 0;  // since there was a stop, or something to look at
};

}  // namespace wc
