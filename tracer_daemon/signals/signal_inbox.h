// Signals that the tracer itself was sent: put here by signal handlers, on whatever thread they
// run, taken out by the tracer's loop. In static memory, so that a handler never writes to what is
// gone.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <optional>

namespace wc {

struct ReceivedSignal {
  int signal = 0;
  int code = 0;      // si_code
  pid_t sender = 0;  // 0: the kernel, or somebody of another PID namespace
  sigval value{};
  uint64_t at = 0;  // CLOCK_MONOTONIC, nanoseconds
};

// Async-signal-safe. Where more wait than there is room for, one that comes is lost.
void put_signal(const ReceivedSignal& received);
[[nodiscard]] bool has_signals();
// The oldest.
std::optional<ReceivedSignal> take_signal();

}  // namespace wc
