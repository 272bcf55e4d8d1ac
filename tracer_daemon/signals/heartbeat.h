// What ends the tracer's sleep from time to time, to look at what no stop reports: rings that fill,
// outputs that wait. A thread of its own counts the time and sends SIGUSR1 to the tracer's thread
// while that one waits, never while it works: a back end's system calls are not interrupted.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

namespace wc {

// How the tracer's thread waits: in a system call that a signal ends, or for descriptors, among
// them a signalfd for SIGUSR1, which it has blocked.
enum class WaitsFor { Signal, Descriptors };

class Heartbeat {
 public:
  using Period = std::chrono::milliseconds;

  Heartbeat();
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Wakes the calling thread from now on, kSlow apart. One that waits for descriptors has a time
  // limit of its own and needs no beat.
  void start(WaitsFor what);
  // What a look at the rings has found: much, and the next one comes sooner; nothing, and it comes
  // later, but not later than `limit`.
  void found(size_t records, Period limit = Period::max());
  // The next beat, where it would come later.
  void no_later_than(Period limit);
  [[nodiscard]] Period period() const { return period_; }
  // Stops come one after another, and the tracer has looked between two: the next short beat is
  // left out, for its signal would end a wait to no purpose.
  void skip_one() { is_not_needed_ = true; }
  // There will be something soon: a program begins to record, a signal waits to be passed on.
  void quicken() { found(1); }
  // Nothing can come but by a stop, a signal or wake(): a beat a second is left, in case that one
  // of these came between two waits, or earlier with a `limit`. Until beat_again().
  void rest(Period limit = Period::max());
  void beat_again();
  // From any thread: the tracer's thread does not wait now, or not any more.
  void wake();

  // Around a wait of the tracer's thread, which must not begin where `may_wait` is false.
  class Pause {
   public:
    explicit Pause(Heartbeat& heartbeat)
        : heartbeat_(heartbeat), may_wait(heartbeat.begin_wait()) {}
    ~Pause() { heartbeat_.end_wait(); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Heartbeat& heartbeat_;

   public:
    const bool may_wait;
  };

 private:
  enum class State { Works, Waits, IsWoken };
  bool begin_wait();
  void end_wait();
  void beat();
  void set(Period period);
  void nudge();
  void send() const;

  static constexpr Period kResting{1000}, kSlow{100}, kShort{4}, kFast{1};
  std::atomic<State> state_ = State::Works;
  std::atomic<bool> wanted_ = false;
  std::atomic<bool> is_not_needed_ = false;
  WaitsFor what_ = WaitsFor::Signal;
  pid_t tracer_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  Period period_ = kSlow;  // written by the tracer's thread
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace wc
