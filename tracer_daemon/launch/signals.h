// What signals mean to the tracer while a program runs under it.
#pragma once

#include "engine/tracer.h"

namespace wc {

// SIGINT and SIGQUIT from a terminal reach the program by themselves and are ignored here; SIGTERM
// and SIGHUP are passed on to it (standing tracers stop instead); SIGPIPE is ignored; SIGUSR1,
// ten times a second from a timer, ends the tracer's waitpid.
void take_signals(Tracer& tracer, bool standing);

// Ends this process as the program ended: its status, or its signal without a second core dump.
[[noreturn]] void end_like(int wait_status);

}  // namespace wc
