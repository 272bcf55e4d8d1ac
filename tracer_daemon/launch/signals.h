// What signals mean to the tracer while a program runs under it.
#pragma once

#include <cstdint>

namespace wc {

// What this process was started with, bit N-1 for signal N. The first program gets the same.
struct InheritedSignals {
  uint64_t ignored = 0, blocked = 0;
};
// Reads them at its first call, which belongs in front of everything that sets a handler.
const InheritedSignals& inherited_signals();

// Forward: whatever the tracer is sent is meant for the program (signals/passed_signals.h). Stop:
// what would end a process ends the tracer, in order, and not what it traces.
enum class SignalMeaning { Forward, Stop };

// From now on signals are handled, all but those of job control. SIGUSR1 is the heartbeat, too
// (signals/heartbeat.h).
void take_signals(SignalMeaning meaning);

// Ends this process as the program ended: its status, or its signal without a second core dump.
[[noreturn]] void end_like(int wait_status);

}  // namespace wc
