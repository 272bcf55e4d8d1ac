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
    const bool changed = changed_.wait_for(lock, repeats ? std::min(period, kSlow) : period, [&] {
      return ends_ || period_ != period || (wanted_ && !repeats && period > kSlow);
    });
    const bool was_heard = repeats && !wanted_;
    if (changed || was_heard) continue;
    wanted_ = true;
    nudge();
  }
}

void Heartbeat::found(size_t records) {
  if (records != 0)
    set(kFast);
  else if (period_ < kSlow)
    set(std::min(period_ * 2, kSlow));
}

void Heartbeat::rest() { set(kResting); }

void Heartbeat::beat_again() {
  if (period_ == kResting) set(kSlow);
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
  State expected = State::Waits;
  while (!state_.compare_exchange_weak(expected, State::Works)) {
    expected = State::Waits;
    __builtin_ia32_pause();
  }
}

}  // namespace wc
