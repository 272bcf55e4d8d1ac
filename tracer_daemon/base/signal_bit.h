// A signal's place in a set of signals, as the kernel has them: signal n is bit n - 1 (sigset_t,
// /proc/PID/status).
#pragma once

#include <cstdint>

namespace wc {

constexpr uint64_t signal_bit(int signal) { return uint64_t{1} << (signal - 1); }

}  // namespace wc
