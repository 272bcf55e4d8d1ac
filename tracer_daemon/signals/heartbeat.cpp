#include "signals/heartbeat.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace wc {

Heartbeat::Heartbeat() : tracer_(gettid()) {}

Heartbeat::~Heartbeat() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Heartbeat::start(WaitsFor what) {
  what_ = what;
  if (what == WaitsFor::Descriptors) return;
  // Signals to the process are the tracer's thread's: they end its wait.
  sigset_t all, own;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &own);
  thread_ = std::thread([this] { beat(); });
  pthread_sigmask(SIG_SETMASK, &own, nullptr);
}

void Heartbeat::beat() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    const Period period = period_;
    const bool repeats = wanted_;  // it may have come just before a wait
    const Period first = repeats ? std::min(period, kSlow) : period;
    const auto is_over = [&](bool is_new) {
      return ends_ || period_ != period || (is_new && wanted_ && period > kSlow);
    };
    if (changed_.wait_for(lock, first, [&] { return is_over(!repeats); })) continue;
    // Not again before its time where it was heard.
    const bool was_heard = repeats && !wanted_;
    if (was_heard && changed_.wait_for(lock, period - first, [&] { return is_over(true); }))
      continue;
    if (is_not_needed_.exchange(false) && period <= kShort) continue;
    wanted_ = true;
    nudge();
  }
}

void Heartbeat::found(size_t records, Period limit) {
  const Period later = period_ < kSlow ? std::min(period_ * 2, kSlow) : period_;
  set(std::min(records != 0 ? kFast : later, limit));
}

void Heartbeat::no_later_than(Period limit) {
  if (period_ > limit) set(limit);
}

void Heartbeat::rest(Period limit) { set(std::min(kResting, limit)); }

void Heartbeat::beat_again() {
  if (period_ > kSlow) set(kSlow);
}

void Heartbeat::set(Period period) {
  if (period == period_) return;
  {
    std::lock_guard lock(mutex_);
    period_ = period;
  }
  changed_.notify_one();
}

void Heartbeat::send() const { syscall(SYS_tgkill, getpid(), tracer_, SIGUSR1); }

void Heartbeat::wake() {
  if (what_ == WaitsFor::Descriptors) return send();
  {
    std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  changed_.notify_one();
  nudge();
}

// A signal that comes before the wait has begun is lost; the next beat repeats it.
void Heartbeat::nudge() {
  State expected = State::Waits;
  if (!state_.compare_exchange_strong(expected, State::IsWoken)) return;
  send();
  state_ = State::Waits;
}

bool Heartbeat::begin_wait() {
  state_ = State::Waits;
  return !wanted_.exchange(false);
}

// A signal that is being sent is awaited here: it must not come later, into somebody's system call.
void Heartbeat::end_wait() {
  constexpr int kPatience = 100;  // then it has been preempted, perhaps by this thread
  State expected = State::Waits;
  for (int i = 0; !state_.compare_exchange_weak(expected, State::Works); i++) {
    expected = State::Waits;
    if (i < kPatience)
      __builtin_ia32_pause();
    else
      std::this_thread::yield();
  }
}

}  // namespace wc
