// Time stamp counter of the traced program's records to CLOCK_MONOTONIC.
#pragma once

#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace wc {

class TickClock {
 public:
  TickClock() : start_ns_(now()), start_ticks_(__rdtsc()) {}

  static uint64_t now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
  }

  // The rate is the one observed since this clock was made; the conversion goes back from now, so
  // its error is that of the rate times the age of the stamp. Never later than now.
  [[nodiscard]] uint64_t nanoseconds(uint64_t ticks) const {
    uint64_t ns = now(), current = __rdtsc();
    if (ticks >= current || current == start_ticks_) return ns;
    return ns - std::min(ns, duration(current - ticks, ns, current));
  }

  [[nodiscard]] uint64_t duration(uint64_t ticks) const { return duration(ticks, now(), __rdtsc()); }

 private:
  [[nodiscard]] uint64_t duration(uint64_t ticks, uint64_t ns, uint64_t current) const {
    double rate = static_cast<double>(ns - start_ns_) / static_cast<double>(current - start_ticks_);
    return static_cast<uint64_t>(static_cast<double>(ticks) * rate);
  }

  uint64_t start_ns_, start_ticks_;
};

}  // namespace wc
