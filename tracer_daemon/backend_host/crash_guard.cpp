#include "backend_host/crash_guard.h"

#include <setjmp.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <exception>

namespace wc {
namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
constexpr size_t kStackSize = 64 << 10;

// Of the thread: where to go back to if it crashes now; null outside of guarded calls.
thread_local sigjmp_buf* way_back = nullptr;
thread_local bool has_stack = false;
thread_local std::array<char, 160> thrown;

std::array<struct sigaction, NSIG> former;
SentSignalHandler on_sent = nullptr;

// A fault of this process or a signal that it has raised itself, as abort(3) does.
bool is_crash(const siginfo_t& info) {
  return info.si_code > 0 || (info.si_code == SI_TKILL && info.si_pid == getpid());
}

// The default action follows: of the instruction that comes again, or of the signal raised again.
void report_own_crash(int signal, const siginfo_t& info) {
  std::array<char, 128> line{};
  int size =
      std::snprintf(line.data(), line.size(), "wc-preload: the tracer itself has crashed (SIG%s)\n",
                    sigabbrev_np(signal));
  (void)!write(STDERR_FILENO, line.data(), static_cast<size_t>(size));
  sigaction(signal, &former[static_cast<size_t>(signal)], nullptr);
  if (info.si_code <= 0) raise(signal);
}

void on_crash(int signal, siginfo_t* info, void* context) {
  if (!is_crash(*info)) {
    if (on_sent != nullptr) on_sent(signal, info, context);
  } else if (way_back != nullptr) {
    siglongjmp(*way_back, signal);
  } else {
    report_own_crash(signal, *info);
  }
}

// Both are inherited by what is executed from here as the defaults that they were.
void install_handlers() {
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  // Nothing is blocked while a handler runs: leaving it by a jump leaves nothing to restore.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int signal : kCrashes) sigaction(signal, &action, &former[static_cast<size_t>(signal)]);
}

// Lives as long as its thread may fault: for ever.
void give_stack() {
  static thread_local char* const stack = new char[kStackSize];
  stack_t own{};
  own.ss_sp = stack;
  own.ss_size = kStackSize;
  has_stack = sigaltstack(&own, nullptr) == 0;
}

void prepare_thread() {
  static const bool installed = (install_handlers(), true);
  (void)installed;
  give_stack();
}

CrashReason name_of(int signal) {
  thrown.fill('\0');
  std::snprintf(thrown.data(), thrown.size(), "SIG%s", sigabbrev_np(signal));
  return {signal, thrown.data()};
}

}  // namespace

void set_sent_signal_handler(SentSignalHandler handler) {
  on_sent = handler;
  if (!has_stack) prepare_thread();
}

void end_guarded_call() {
  if (way_back != nullptr) siglongjmp(*way_back, SIGABRT);
}

CrashReason run_guarded(void (*call)(void* data), void* data) {
  if (!has_stack) prepare_thread();
  sigjmp_buf here;
  constexpr int kMaskIsKept = 0;  // saving it would be a system call
  if (int signal = sigsetjmp(here, kMaskIsKept); signal != 0) {
    way_back = nullptr;
    return name_of(signal);
  }
  way_back = &here;
  try {
    call(data);
  } catch (const std::exception& error) {
    std::snprintf(thrown.data(), thrown.size(), "uncaught exception: %s", error.what());
    way_back = nullptr;
    return {0, thrown.data()};
  } catch (...) {
    way_back = nullptr;
    return {0, "uncaught exception"};
  }
  way_back = nullptr;
  return {};
}

}  // namespace wc
