// Which of the signals that the tracer was sent are meant for the program, which has not got them.
//
// A signal to the tracer's process alone is; one to its group, its session or its cgroup has
// reached the program as well, in the same moment and from the same sender. So a signal is held for
// a short while, and passed on to those that have not been seen to get it. What a traced process
// has sent reached whom it was meant for.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "signals/signal_inbox.h"

namespace wc {

class PassedSignals {
 public:
  // The traced process `pid` is about to be delivered this signal.
  void arrived(pid_t pid, const siginfo_t& info, uint64_t now);
  // It has ended; for a short while, what it has sent may still turn up.
  void ended(pid_t pid, uint64_t now);

  // Takes what the tracer was sent. `sent_by_tracee`: whether that process is traced.
  template <typename IsTraced>
  void receive(const ReceivedSignal& received, IsTraced is_traced) {
    if (!is_meant_for_program(received)) return;
    if (received.sender != 0 && (is_traced(received.sender) || has_ended(received.sender))) return;
    held_.push_back(received);
  }
  [[nodiscard]] bool empty() const { return held_.empty(); }
  // Those that have been held for long enough.
  std::vector<ReceivedSignal> due(uint64_t now);
  // Whether the process has got it by itself.
  bool has_got(pid_t pid, const ReceivedSignal& received);

 private:
  struct Arrival {
    pid_t pid;
    int signal;
    pid_t sender;
    uint64_t at;
  };
  struct Ended {
    pid_t pid;
    uint64_t at;
  };

  static bool is_meant_for_program(const ReceivedSignal& received);
  [[nodiscard]] bool has_ended(pid_t pid) const;

  std::deque<Arrival> arrivals_;
  std::deque<Ended> ended_;
  std::vector<ReceivedSignal> held_;
};

}  // namespace wc
