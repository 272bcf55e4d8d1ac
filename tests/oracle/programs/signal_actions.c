/* struct sigaction, signal sets, alternate stacks. */
#include "oracle.h"

static void handler(int number) { (void)number; }
static void with_info(int number, siginfo_t *info, void *context) {
  (void)number, (void)info, (void)context;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler}, old;
  sigaction(SIGUSR1, &action, &old);
  sigaction(SIGUSR1, NULL, &old);
  action.sa_flags = SA_RESTART | SA_NODEFER | SA_RESETHAND;
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGRTMIN + 3);
  sigaction(SIGUSR2, &action, NULL);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  action.sa_sigaction = with_info;
  sigfillset(&action.sa_mask);
  sigaction(SIGRTMIN, &action, &old);
  sigaction(SIGRTMIN, NULL, &old);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  action.sa_flags = SA_NOCLDSTOP | SA_NOCLDWAIT;
  sigdelset(&action.sa_mask, SIGHUP);
  sigaction(SIGCHLD, &action, NULL);
  CALL(rt_sigaction, SIGKILL, NULL, NULL, 8ul);
  CALL(rt_sigaction, SIGUSR1, NOWHERE, NULL, 8ul);
  CALL(rt_sigaction, 99, NULL, &old, 8ul);
  CALL(rt_sigaction, SIGUSR1, NULL, &old, 4ul);
  sigset_t set, before;
  sigemptyset(&set);
  sigprocmask(SIG_BLOCK, &set, &before);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGSEGV);
  sigprocmask(SIG_BLOCK, &set, &before);
  sigfillset(&set);
  sigprocmask(SIG_SETMASK, &set, &before);
  sigdelset(&set, SIGTERM);
  sigprocmask(SIG_SETMASK, &set, &before);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  sigprocmask(SIG_SETMASK, NULL, &before);
  CALL(rt_sigprocmask, 77, &set, NULL, 8ul);
  CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 4ul);
  CALL(rt_sigpending, &set, 8ul);
  static char memory[16384];
  stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory}, was;
  CALL(sigaltstack, &stack, &was);
  CALL(sigaltstack, NULL, &was);
  stack.ss_flags = SS_DISABLE;
  CALL(sigaltstack, &stack, NULL);
  stack.ss_flags = 77;
  CALL(sigaltstack, &stack, NULL);
  CALL(kill, getpid(), 0);
  CALL(kill, getpid(), SIGURG);
  CALL(tgkill, getpid(), getpid(), SIGCONT);
  CALL(tkill, getpid(), SIGWINCH);
  CALL(tkill, getpid(), 34);
  CALL(kill, getpid(), 65);
  CALL(signalfd4, -1, &before, 8ul, O_CLOEXEC | O_NONBLOCK);
  CALL(signalfd, -1, &before, 8ul);
  return 0;
}
