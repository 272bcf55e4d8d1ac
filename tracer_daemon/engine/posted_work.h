// What other threads have the tracer's thread do.
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "signals/heartbeat.h"

namespace wc {

class PostedWork {
 public:
  explicit PostedWork(Heartbeat& heartbeat) : heartbeat_(heartbeat) {}

  // From any thread; wakes the tracer's.
  void post(std::function<void()> work);
  // On the tracer's thread: all that was posted, in that order.
  void run();

 private:
  Heartbeat& heartbeat_;
  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace wc
