// What signals mean to the tracer while a program runs under it.
#pragma once

#include "engine/tracer.h"

namespace wc {

// Forward: SIGINT and SIGQUIT from a terminal reach the program by themselves and are ignored here;
// SIGTERM and SIGHUP are passed on to it. Stop: they end the tracer, not what it traces.
enum class SignalMeaning { Forward, Stop };

// SIGPIPE is ignored; SIGUSR1, the heartbeat (engine/heartbeat.h), ends the tracer's waitpid.
void take_signals(Tracer& tracer, SignalMeaning meaning);

// Ends this process as the program ended: its status, or its signal without a second core dump.
[[noreturn]] void end_like(int wait_status);

}  // namespace wc
