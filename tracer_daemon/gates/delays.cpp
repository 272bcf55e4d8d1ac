#include "gates/delays.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "events/tick_clock.h"

namespace wc {
namespace {

constexpr uint64_t kMicrosecond = 1000, kMillisecond = 1'000'000;

}  // namespace

// Less than the loop's own pace is waited for here.
void Delays::park(StoppedThread stop, Thread& thread) {
  const uint64_t delay = std::exchange(thread.delayed_by, 0);
  if (delay < kMillisecond) {
    usleep(static_cast<useconds_t>(delay / kMicrosecond));
    return resume(std::move(stop), thread, std::exchange(thread.rule_signal, 0));
  }
  thread.process->memory.end_stop();
  parked_.push_back({std::move(stop), TickClock::now() + delay});
  heartbeat_.no_later_than(std::chrono::milliseconds(1));
}

void Delays::resume_due() {
  if (parked_.empty()) return;
  resume_until(TickClock::now());
  if (!parked_.empty()) heartbeat_.no_later_than(std::chrono::milliseconds(1));
}

void Delays::resume_until(uint64_t now) {
  for (size_t i = 0; i < parked_.size();) {
    if (parked_[i].until > now) {
      i++;
      continue;
    }
    StoppedThread stop = std::move(parked_[i].stop);
    parked_[i] = std::move(parked_.back());
    parked_.pop_back();
    // It may have been killed where it stood.
    if (Thread* thread = tracees_.thread(stop.tid()))
      resume(std::move(stop), *thread, std::exchange(thread->rule_signal, 0));
  }
}

}  // namespace wc
