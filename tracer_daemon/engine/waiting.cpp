#include "engine/waiting.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace wc {
namespace {

// Milliseconds between two looks: while a signal waits to be passed on, usually, at rest.
constexpr int kShortTick = 5, kTick = 100, kRestingTick = 1000;
// Ticks until all outputs have written what they hold back, files and calls that stay open
// included.
constexpr unsigned kQuietTicks = 20;

}  // namespace

// A stop wakes its waiter also without SIGCHLD, which costs half a microsecond more.
static void no_signal_for_stops() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
}

void Waiting::begin() {
  const bool has_socket = run_.options.gate == WC_GATE_SOCKET;
  if (has_socket)
    parts_.socket_gate.open();
  else
    no_signal_for_stops();
  parts_.heartbeat.start(has_socket ? WaitsFor::Descriptors : WaitsFor::Signal);
}

// The kernel reports the stops of the youngest thread first: two busy threads would keep all others
// waiting for ever. So, once for as many stops as there are threads, each is looked at in turn.
Seen Waiting::next_in_turn() {
  constexpr size_t kMany = 4;  // a round that found a fourth of the threads stopped is repeated
  const auto& threads = parts_.tracees.threads;
  if (turn_.empty() && threads.size() > 1 &&
      (++stops_since_round_ >= threads.size() || found_in_round_ * kMany >= threads.size())) {
    stops_since_round_ = found_in_round_ = 0;
    for (const auto& [known, thread] : threads) turn_.push_back(known);
  }
  while (!turn_.empty()) {
    pid_t tid = turn_.back();
    turn_.pop_back();
    if (!threads.contains(tid)) continue;
    Seen seen = parts_.stops.next_of(tid);
    if (seen.tid <= 0) continue;
    found_in_round_++;
    return seen;
  }
  return {};
}

Seen Waiting::wait_for_stop() {
  if (Seen seen = next_in_turn(); seen.tid > 0) return seen;
  return run_.options.gate == WC_GATE_SOCKET ? wait_by_descriptors() : wait_by_signal();
}

// Stops and messages both matter: waits for either.
Seen Waiting::wait_by_descriptors() {
  Seen seen = parts_.stops.next(Wait::Poll);
  const bool has_children = seen.tid != -ECHILD;
  if (seen.tid != 0 && (has_children || !run_.options.standing)) return seen;
  parts_.socket_gate.poll(parts_.own_signals.waiting() ? kShortTick
                          : rests()                    ? kRestingTick
                                                       : kTick);
  return has_children ? parts_.stops.next(Wait::Poll) : seen;
}

// The heartbeat ends the wait. Without children there is nothing to wait for but its signal.
Seen Waiting::wait_by_signal() {
  Heartbeat::Pause pause(parts_.heartbeat);
  Seen seen = parts_.stops.next(pause.may_wait ? Wait::Block : Wait::Poll);
  if (seen.tid == -ECHILD && run_.options.standing && pause.may_wait) ::pause();
  return seen;
}

// Whether its ring can get a record without a stop that comes before or after. Outside of engine
// inproc records are written for calls that have been reported by a stop, at their return; one
// that waits in a system call returns by way of another stop, but for one on the landing pad.
bool Waiting::may_write_unseen(const Thread& thread) const {
  if (thread.share() == nullptr) return false;
  if (run_.options.config & WC_CONFIG_IN_PROCESS) return true;
  auto lands = [](const Inflight& one) { return one.landing; };
  if (std::ranges::any_of(thread.inflight, lands)) return true;
  return !thread.calls.calls().empty() && thread.position == SyscallPosition::Outside;
}

bool Waiting::is_quiet() const {
  return std::ranges::none_of(parts_.tracees.threads,
                              [this](const auto& one) { return may_write_unseen(*one.second); });
}

bool Waiting::rests() const { return quiet_ticks_ >= kQuietTicks; }

void Waiting::rest_if_quiet(bool others_wait) {
  if (others_wait || parts_.own_signals.waiting() || !is_quiet()) return end_rest();
  if (!rests()) quiet_ticks_++;
  if (rests()) parts_.heartbeat.rest();
}

void Waiting::end_rest() {
  if (std::exchange(quiet_ticks_, 0) >= kQuietTicks) parts_.heartbeat.beat_again();
}

}  // namespace wc
