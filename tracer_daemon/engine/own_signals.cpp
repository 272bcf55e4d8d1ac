// Signals that the tracer itself was sent.
#include <csignal>

#include "engine/tracer.h"

namespace wc {

void Tracer::receive_signals() {
  auto is_traced = [&](pid_t pid) { return processes_.contains(pid); };
  while (auto received = take_signal()) {
    const bool was_empty = passed_.empty();
    passed_.receive(*received, is_traced);
    if (options_.signals_stop && was_empty && !passed_.empty()) stop_ = true;
  }
  if (passed_.empty()) return;
  heartbeat_.quicken();
  for (const ReceivedSignal& due : passed_.due(TickClock::now())) pass_on(due);
}

// To the first program; after its end to all that are left of it, so that whoever wants to end it
// (timeout(1), a service manager) ends them, and with them the tracer. All of these are traced,
// none of them has been waited for: their numbers are theirs.
void Tracer::pass_on(const ReceivedSignal& received) {
  for (const auto& [pid, process] : processes_) {
    const bool is_meant = !process->unfollowed && (first_has_ended_ || pid == first_);
    if (!is_meant || passed_.has_got(pid, received)) continue;
    if (received.code == SI_QUEUE)
      sigqueue(pid, received.signal, received.value);
    else
      kill(pid, received.signal);
  }
}

}  // namespace wc
