// The signal that ends the tracer's sleep from time to time (SIGUSR1, timer_create(2)), to look at
// what no stop tells: rings that fill, outputs that wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>

namespace wc {

class Heartbeat {
 public:
  Heartbeat() = default;
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Ends the sleep of the calling thread from now on, kSlow apart.
  void start();
  // What a look at the rings has found: much, and the next one comes sooner; nothing, and it comes
  // later.
  void found(size_t records);
  // There will be something soon: a program begins to record.
  void quicken() { found(1); }

 private:
  void set(uint64_t period);

  static constexpr uint64_t kSlow = 100'000'000, kFast = 1'000'000;  // nanoseconds
  timer_t timer_{};
  bool started_ = false;
  uint64_t period_ = kSlow;
};

}  // namespace wc
