// How the tracer waits. Ten times a second it looks at what no stop reports: rings that fill,
// outputs and orphans that wait. Where nothing of that can come, it rests: a stop, a signal or
// posted work wakes it, and a look a second is left for outputs and for what came between two
// waits.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/tracer.h"

namespace wc {
namespace {

// Milliseconds between two looks: while a signal waits to be passed on, usually, at rest.
constexpr int kShortTick = 5, kTick = 100, kRestingTick = 1000;
// Ticks until all outputs have written what they hold back, files and calls that stay open
// included.
constexpr unsigned kQuietTicks = 20;

}  // namespace

// Stops and messages both matter: waits for either.
Seen Tracer::wait_by_descriptors() {
  Seen seen = stops_.next(Wait::Poll);
  const bool has_children = seen.tid != -ECHILD;
  if (seen.tid != 0 && (has_children || !options_.standing)) return seen;
  poll_gate_connections(!passed_.empty() ? kShortTick : rests() ? kRestingTick : kTick);
  return has_children ? stops_.next(Wait::Poll) : seen;
}

// The heartbeat ends the wait. Without children there is nothing to wait for but its signal.
Seen Tracer::wait_by_signal() {
  Heartbeat::Pause pause(heartbeat_);
  Seen seen = stops_.next(pause.may_wait ? Wait::Block : Wait::Poll);
  if (seen.tid == -ECHILD && options_.standing && pause.may_wait) ::pause();
  return seen;
}

// Whether its ring can get a record without a stop that comes before or after. Outside of engine
// inproc records are written for calls that have been reported by a stop, at their return; one
// that waits in a system call returns by way of another stop, but for one on the landing pad.
bool Tracer::may_write_unseen(const Thread& thread) const {
  if (share_of(thread) == nullptr) return false;
  if (options_.config & WC_CONFIG_IN_PROCESS) return true;
  auto lands = [](const Inflight& one) { return one.landing; };
  if (std::ranges::any_of(thread.inflight, lands)) return true;
  return !thread.calls.calls().empty() && !thread.in_syscall;
}

bool Tracer::is_quiet() const {
  const bool waits_for_ticks =
      !passed_.empty() || !places_in_.empty() || !unclaimed_.empty() || !gone_early_.empty();
  return !waits_for_ticks && std::ranges::none_of(threads_, [this](const auto& one) {
    return may_write_unseen(*one.second);
  });
}

bool Tracer::rests() const { return quiet_ticks_ >= kQuietTicks; }

void Tracer::rest_if_quiet() {
  if (!is_quiet()) return end_rest();
  if (!rests()) quiet_ticks_++;
  if (rests()) heartbeat_.rest();
}

void Tracer::end_rest() {
  if (std::exchange(quiet_ticks_, 0) >= kQuietTicks) heartbeat_.beat_again();
}

}  // namespace wc
