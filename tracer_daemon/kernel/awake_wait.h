// Waiting awake for a moment before sleeping, as the kernel's haltpoll does.
//
// Who sleeps lets its CPU halt, and on a virtual machine it takes some 40 us to wake that up: more
// than all else that a stop costs. A stop of a program that makes many comes sooner. So where waits
// have been short, the next one begins by asking again and again, and giving the CPU to others in
// between: the program may have been put on this one.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "kernel/kernel.h"

namespace wc {

template <typename Clock>
class BasicAwakeWait {
 public:
  using Duration = typename Clock::duration;
  using Time = typename Clock::time_point;
  static constexpr Duration kLimit = std::chrono::microseconds(100);

  // What `look` returns once that is something, or `ends` once that is true. Nothing (tid 0) where
  // it takes too long, or waits have been long lately: then it is time to sleep.
  template <typename Look, typename Ends>
  Seen wait(const Look& look, const Ends& ends) {
    restart();
    if (short_waits_ == 0 || begun_ < crowded_until_) return {};
    for (Time now = begun_; now - begun_ < kLimit && !ends();) {
      if (Seen seen = look(); seen.tid != 0) return seen;
      sched_yield();
      const Time before = std::exchange(now, Clock::now());
      if (now - before > kLimit) avoid_crowd(now);
    }
    return {};
  }

  void restart() { begun_ = Clock::now(); }
  // What began in wait() or restart() is over, awake or asleep.
  void has_ended() {
    constexpr unsigned kMost = 3;
    const bool is_short = Clock::now() - begun_ < kLimit;
    if (is_short && short_waits_ < kMost) short_waits_++;
    if (!is_short && short_waits_ > 0) short_waits_--;
  }

 private:
  // Somebody else has used this CPU. One that sleeps gets it back sooner than one that gives it
  // away: for a while, and the longer, the more often that happens.
  void avoid_crowd(Time now) {
    constexpr Duration kFirst = std::chrono::milliseconds(50), kMost = std::chrono::seconds(1);
    const bool is_again = now < crowded_until_ + 2 * crowded_for_;
    crowded_for_ = is_again ? std::min(2 * crowded_for_, kMost) : kFirst;
    crowded_until_ = now + crowded_for_;
  }

  Time begun_, crowded_until_;
  Duration crowded_for_ = {};
  unsigned short_waits_ = 1;
};

using AwakeWait = BasicAwakeWait<std::chrono::steady_clock>;

}  // namespace wc
