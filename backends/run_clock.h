// What time it is, and when the run began and ended, as a tracer says it that may be replaying.
#pragma once

#include <cstdint>
#include <ctime>

#include "wc_backend.h"

namespace wc::backends {

inline uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t monotonic_ms() { return clock_ns(CLOCK_MONOTONIC) / 1'000'000; }

inline uint64_t begin_of(const wc_host& host) {
  return host.run != nullptr ? host.run->began : clock_ns(CLOCK_MONOTONIC);
}

// In close().
inline uint64_t end_of(const wc_host& host) {
  const bool is_known = host.run != nullptr && host.run->ended != 0;
  return is_known ? host.run->ended : clock_ns(CLOCK_MONOTONIC);
}

}  // namespace wc::backends
