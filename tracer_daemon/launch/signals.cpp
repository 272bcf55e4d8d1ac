#include "launch/signals.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "backend_host/crash_guard.h"
#include "base/signal_bit.h"
#include "signals/signal_inbox.h"

namespace wc {
namespace {

// SIGKILL and SIGSTOP cannot be handled; job control stops the tracer with its job; SIGCHLD and
// SIGUSR1 have a meaning of their own; the signals of crashes are crash_guard.h's; and two are the
// C library's, between SIGSYS and SIGRTMIN.
bool is_handled(int signal) {
  constexpr std::array kOthers = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
                                  SIGCONT, SIGCHLD, SIGSEGV, SIGBUS,  SIGILL,
                                  SIGFPE,  SIGABRT, SIGTRAP, SIGSYS,  SIGUSR1};
  const bool is_of_libc = signal > SIGSYS && signal < SIGRTMIN;
  return !is_of_libc && std::find(kOthers.begin(), kOthers.end(), signal) == kOthers.end();
}

// SIGCONT ends no process, and so on.
bool ends_a_process(int signal) { return signal != SIGURG && signal != SIGWINCH; }

void on_sent(int signal, siginfo_t* info, void*) {
  const int error = errno;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  ReceivedSignal received{
      signal, info->si_code, info->si_code == SI_KERNEL ? 0 : info->si_pid, info->si_value,
      static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec)};
  put_signal(received);
  errno = error;
}

void on_user1(int signal, siginfo_t* info, void* context) {
  const bool is_heartbeat = info->si_code == SI_TKILL && info->si_pid == getpid();
  if (!is_heartbeat) on_sent(signal, info, context);
}

// Without SA_RESTART: the tracer's wait must end.
void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  sigaction(signal, &action, nullptr);
}

// What was blocked when the tracer was started (SIGTERM in a shell's subprocess) must reach it.
void unblock_all() {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

InheritedSignals read_inherited() {
  InheritedSignals found;
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (int number = 1; number <= SIGRTMAX; number++) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      found.ignored |= signal_bit(number);
    if (sigismember(&blocked, number) == 1) found.blocked |= signal_bit(number);
  }
  return found;
}

}  // namespace

const InheritedSignals& inherited_signals() {
  static const InheritedSignals inherited = read_inherited();
  return inherited;
}

void take_signals(SignalMeaning meaning) {
  const uint64_t ignored = inherited_signals().ignored;
  // Ended tracees must be waited for, whatever the parent thought of its children.
  signal(SIGCHLD, SIG_DFL);
  for (int number = 1; number <= SIGRTMAX; number++) {
    if (!is_handled(number)) continue;
    // nohup is meant for a tracer that has no program of its own.
    const bool stays = meaning == SignalMeaning::Stop &&
                       ((ignored & signal_bit(number)) != 0 || !ends_a_process(number));
    if (!stays) handle(number, on_sent);
  }
  handle(SIGUSR1, on_user1);
  set_sent_signal_handler(on_sent);
  unblock_all();
}

void end_like(int wait_status) {
  if (!WIFSIGNALED(wait_status)) _exit(WEXITSTATUS(wait_status));
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  int number = WTERMSIG(wait_status);
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  sigprocmask(SIG_UNBLOCK, &one, nullptr);
  raise(number);
  _exit(128 + number);
}

}  // namespace wc
