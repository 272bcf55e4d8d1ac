#include "engine/waiting.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "signals/signal_inbox.h"

namespace wc {
namespace {

using std::chrono::milliseconds;

// Between two looks: while a signal waits to be passed on, and while something may come unseen.
constexpr milliseconds kShortTick{5}, kLive{3};
// Engine inproc: a longer period than this is ended by a bell.
constexpr milliseconds kMostUnasked{8};
constexpr uint64_t kMillisecond = 1'000'000;
// Nanoseconds after the last stop during which a thread that waits in the kernel is looked at as
// often as one that runs.
constexpr uint64_t kPatience = 1'000'000'000;
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
  const milliseconds period = parts_.heartbeat.period();
  const milliseconds limit = parts_.own_signals.waiting() ? std::min(period, kShortTick) : period;
  parts_.socket_gate.poll(static_cast<int>(limit.count()));
  return has_children ? parts_.stops.next(Wait::Poll) : seen;
}

// The heartbeat ends the wait. Without children there is nothing to wait for but its signal.
Seen Waiting::wait_by_signal() {
  Seen seen = parts_.stops.next_awake(has_signals);
  if (seen.tid <= 0) seen = sleep_until_stop();
  parts_.stops.has_waited();
  return seen;
}

Seen Waiting::sleep_until_stop() {
  Heartbeat::Pause pause(parts_.heartbeat);
  // What has come meanwhile is not waited behind.
  const bool may_sleep = pause.may_wait && !has_signals();
  Seen seen = parts_.stops.next(may_sleep ? Wait::Block : Wait::Poll);
  if (seen.tid == -ECHILD && run_.options.standing && may_sleep) ::pause();
  return seen;
}

// Whether its ring can get a record without a stop that comes before or after. Outside of engine
// inproc records are written for calls that have been reported by a stop, at their return; one
// that waits in a system call returns by way of another stop, but for one on the landing pad.
Waiting::Unseen Waiting::may_write(const Thread& thread) const {
  if (thread.share() == nullptr) return Unseen::Nothing;
  if (is_in_process()) return Unseen::AnyMoment;
  auto lands = [](const Inflight& one) { return one.landing; };
  if (std::ranges::any_of(thread.inflight, lands)) return Unseen::WhenItWakes;
  const bool is_at_gadget = !thread.inflight.empty() && thread.handlers.empty();
  if (thread.calls.calls().empty() || thread.position != SyscallPosition::Outside || is_at_gadget)
    return Unseen::Nothing;
  return thread.process->is_job_stopped ? Unseen::WhenItWakes : Unseen::AnyMoment;
}

bool Waiting::expects_unseen(uint64_t now) const {
  if (now < last_stop_ + kLive.count() * kMillisecond) return true;  // without asking all
  const bool is_patient = now < last_stop_ + kPatience;
  return std::ranges::any_of(parts_.tracees.threads, [&](const auto& one) {
    const Unseen what = may_write(*one.second);
    return what == Unseen::AnyMoment || (what == Unseen::WhenItWakes && is_patient);
  });
}

// The records of engine inproc set a pace of their own.
void Waiting::expect_more(uint64_t now) {
  last_stop_ = now;
  if (is_in_process()) return;
  next_look_ = std::min(next_look_, now + kLive.count() * kMillisecond);
  parts_.heartbeat.no_later_than(kLive);
}

bool Waiting::is_time_to_look(uint64_t now) {
  if (now < next_look_) return false;
  parts_.heartbeat.skip_one();
  return true;
}

void Waiting::plan_look(size_t found, uint64_t now, uint64_t latest) {
  next_look_ = latest;
  if (!is_in_process() && parts_.own_signals.waiting()) return;
  milliseconds limit = until_due(now);
  if (!is_in_process() && expects_unseen(now)) limit = std::min(limit, kLive);
  parts_.heartbeat.found(is_in_process() ? found : 0, limit);
  if (is_in_process() && parts_.heartbeat.period() > kMostUnasked && !ask_for_bells())
    parts_.heartbeat.quicken();
}

// Engine inproc, where nothing has come for a while: the next record is to wake the tracer. False:
// one has come meanwhile.
bool Waiting::ask_for_bells() {
  if (!run_.pipeline.backends().demand().has_audience) return true;
  bool is_quiet = true;
  for (const auto& [tid, thread] : parts_.tracees.threads) {
    ProcessShare* share = thread->share();
    if (share == nullptr || thread->shares.active) continue;
    is_quiet = share->rings().ask_for_bell(share->slot(thread->slot_index())) && is_quiet;
  }
  return is_quiet;
}

milliseconds Waiting::until_due(uint64_t now) const {
  uint64_t due = run_.pipeline.backends().wake_at();
  const uint64_t watched = parts_.subscriptions.due();
  if (watched != 0) due = due == 0 ? watched : std::min(due, watched);
  if (due == 0) return milliseconds::max();
  const uint64_t left = due > now ? due - now : 0;
  return milliseconds(left / kMillisecond + 1);
}

bool Waiting::is_quiet() const {
  return std::ranges::none_of(parts_.tracees.threads, [this](const auto& one) {
    return may_write(*one.second) != Unseen::Nothing;
  });
}

bool Waiting::rests() const { return quiet_ticks_ >= kQuietTicks; }

void Waiting::rest_if_quiet(uint64_t now, bool others_wait) {
  if (others_wait || parts_.own_signals.waiting() || !is_quiet()) return end_rest();
  if (!rests()) quiet_ticks_++;
  if (rests()) parts_.heartbeat.rest(until_due(now));
}

void Waiting::end_rest() {
  if (std::exchange(quiet_ticks_, 0) >= kQuietTicks) parts_.heartbeat.beat_again();
}

}  // namespace wc
