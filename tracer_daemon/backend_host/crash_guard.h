// Runs a back end's code such that its crash ends the back end, not the tracer.
//
// A fault in the callback, an abort() or an exception that nobody catches leads back to where the
// callback was called; the handlers run on a stack of their own, so that a full stack is no
// exception. What the callback held (locks, memory) is lost. Handlers are installed once and
// nothing is blocked, so a guarded call makes no system call.
//
// A callback that never returns, one that calls exit(3), and a fault in a thread that the back end
// has made itself are not covered.
#pragma once

#include <csignal>

namespace wc {

// How a guarded call has ended.
struct CrashReason {
  int signal = 0;              // 0: none
  const char* text = nullptr;  // "SIGSEGV", or what was thrown; null: it has returned

  explicit operator bool() const { return text != nullptr; }
};

// The signals of crashes that somebody has sent to the tracer, and that nothing here has raised.
using SentSignalHandler = void (*)(int signal, siginfo_t* info, void* context);
void set_sent_signal_handler(SentSignalHandler handler);

CrashReason run_guarded(void (*call)(void* data), void* data);

// From a terminate handler (std::terminate): if a guarded call runs, it ends here.
void end_guarded_call();

// The locals of `call` are not destroyed where it crashes.
template <typename Call>
CrashReason guarded(Call& call) {
  return run_guarded([](void* data) { (*static_cast<Call*>(data))(); }, &call);
}

}  // namespace wc
