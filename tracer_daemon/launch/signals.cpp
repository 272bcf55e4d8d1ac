#include "launch/signals.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace wc {
namespace {

Tracer* the_tracer = nullptr;

void on_forwarded(int signal) { the_tracer->forward(signal); }
void on_stop(int) { the_tracer->stop(); }
void on_tick(int) {}

void handle(int signal, void (*handler)(int)) {
  struct sigaction old {
  }, action{};
  // What was ignored when we were started (nohup) stays ignored.
  if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_IGN && signal != SIGUSR1)
    return;
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);  // no SA_RESTART: waitpid must end
}

}  // namespace

void take_signals(Tracer& tracer, SignalMeaning meaning) {
  the_tracer = &tracer;
  signal(SIGPIPE, SIG_IGN);
  if (meaning == SignalMeaning::Stop) {
    for (int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) handle(s, on_stop);
  } else {
    handle(SIGINT, SIG_IGN);
    handle(SIGQUIT, SIG_IGN);
    for (int s : {SIGTERM, SIGHUP}) handle(s, on_forwarded);
  }
  handle(SIGUSR1, on_tick);
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
