#include "signals/own_signals.h"

#include <unistd.h>

#include <csignal>

#include "events/tick_clock.h"
#include "signals/signal_inbox.h"

namespace wc {

void OwnSignals::arrived(pid_t pid, const siginfo_t& info) {
  passed_.arrived(pid, info, TickClock::now());
}

void OwnSignals::ended(pid_t pid) { passed_.ended(pid, TickClock::now()); }

bool OwnSignals::receive() {
  bool stops = false;
  auto is_traced = [&](pid_t pid) { return tracees_.processes.contains(pid); };
  while (auto received = take_signal()) {
    if (is_request(*received)) {
      is_asked_ = true;
      continue;
    }
    if (received->signal == SIGUSR2 && run_.pipeline.journal().flight.is_on()) {
      wants_flight_ = true;
      continue;
    }
    const bool was_empty = passed_.empty();
    passed_.receive(*received, is_traced);
    if (run_.options.signals_stop && was_empty && !passed_.empty()) stops = true;
  }
  if (passed_.empty()) return stops;
  heartbeat_.quicken();
  for (const ReceivedSignal& due : passed_.due(TickClock::now())) pass_on(due);
  return stops;
}

// SIGUSR1, where a backend can say what there is so far: `-c`. Elsewhere it is the program's, as
// any other signal is; from the tracer itself it is the heartbeat.
bool OwnSignals::is_request(const ReceivedSignal& received) const {
  return received.signal == SIGUSR1 && received.sender != getpid() &&
         run_.pipeline.backends().has_snapshots();
}

// To the first program; after its end to all that are left of it, so that whoever wants to end it
// (timeout(1), a service manager) ends them, and with them the tracer. All of these are traced,
// none of them has been waited for: their numbers are theirs.
void OwnSignals::pass_on(const ReceivedSignal& received) {
  for (const auto& [pid, process] : tracees_.processes) {
    const bool is_meant =
        !process->unfollowed && (tracees_.first.has_ended || pid == tracees_.first.pid);
    if (!is_meant || passed_.has_got(pid, received)) continue;
    if (received.code == SI_QUEUE)
      sigqueue(pid, received.signal, received.value);
    else
      kill(pid, received.signal);
  }
}

}  // namespace wc
