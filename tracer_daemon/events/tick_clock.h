// Time stamp counter of the traced program's records to CLOCK_MONOTONIC.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace wc {

class TickClock {
 public:
  TickClock() : start_ns_(now()), start_ticks_(ticks_now()) {}

  // From now on all stamps are nanoseconds already: they come from a tape.
  void play() { are_nanoseconds_ = true; }

  static uint64_t now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
  }

  // Engine bpf: stamps are nanoseconds of CLOCK_MONOTONIC themselves, and what is reported has
  // happened at `moment`.
  void stand_at(uint64_t moment) {
    are_nanoseconds_ = true;
    moment_ = moment;
  }
  // When what is reported happens.
  [[nodiscard]] uint64_t moment() const { return moment_ != 0 ? moment_ : now(); }

  // The rate is the one observed since this clock was made; the conversion goes back from a moment
  // after the stamp, so its error is that of the rate times the age of the stamp. Never later than
  // now. Asks for the time only where the stamp is newer than the last that was asked for: many
  // records are converted at one stop.
  [[nodiscard]] uint64_t nanoseconds(uint64_t ticks) {
    if (are_nanoseconds_) return ticks;
    if (ticks > synced_ticks_) synchronise();
    if (ticks >= synced_ticks_) return synced_ns_;
    return synced_ns_ - std::min(synced_ns_, duration(synced_ticks_ - ticks));
  }

  [[nodiscard]] uint64_t duration(uint64_t ticks) {
    if (are_nanoseconds_) return ticks;
    if (rate_ == 0) synchronise();
    return static_cast<uint64_t>(static_cast<double>(ticks) * rate_);
  }

 private:
  // __rdtsc() is the same; its header takes half a second of each file that includes it.
  static uint64_t ticks_now() { return __builtin_ia32_rdtsc(); }

  // Whoever is interrupted between the two clocks pairs what does not belong together, and stamps
  // that are converted from there stand before those of other threads that they came after.
  void synchronise() {
    constexpr uint64_t kUndisturbed = 2000;  // ticks; reading the time takes some 60
    for (int attempt = 0; attempt < 5; ++attempt) {
      const uint64_t before = ticks_now();
      synced_ns_ = now();
      synced_ticks_ = ticks_now();
      if (synced_ticks_ - before < kUndisturbed) break;
    }
    if (synced_ticks_ != start_ticks_)
      rate_ = static_cast<double>(synced_ns_ - start_ns_) /
              static_cast<double>(synced_ticks_ - start_ticks_);
  }

  uint64_t start_ns_, start_ticks_;
  uint64_t synced_ns_ = 0, synced_ticks_ = 0;
  double rate_ = 0;  // nanoseconds a tick
  bool are_nanoseconds_ = false;
  uint64_t moment_ = 0;
};

}  // namespace wc
