// SIGTRAP and SIGSYS, which the gates use for themselves, ignored, handled and blocked in all ways:
// prints what came of it, the same with and without a tracer. Arguments: show, what an exec'd child
// of it prints; brief, without what is different where signal functions are not wrapped.
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static const int ours[] = {SIGTRAP, SIGSYS};
static volatile sig_atomic_t hits;
static volatile int address_is_right, number;
static char *self;
static int brief;

static void on(int signal) { hits += signal; }

static void on_refused(int signal, siginfo_t *info, void *at) {
  (void)signal;
  ucontext_t *context = at;
  hits++;
  number = info->si_syscall;
  address_is_right = (long)info->si_call_addr == context->uc_mcontext.gregs[REG_RIP];
  context->uc_mcontext.gregs[REG_RAX] = 42;
}

static void calls(void) {
  for (int i = 0; i < 3; i++) getppid(), access("/", F_OK);
}

static void say(const char *what, int value) {
  printf("%s: %d\n", what, value);
  fflush(stdout);
}

static void show(const char *who) {
  char line[128];
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL)
    if (strncmp(line, "SigIgn:", 7) == 0) printf("%s %s", who, line);
  fclose(status);
  fflush(stdout);
}

// The number of the signal that ended the child, or its exit status less 1000.
static int outcome(pid_t child) {
  int status;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 1000;
}

static void show_children(const char *how) {
  char *argv[] = {self, "show", (char *)how, NULL};
  extern char **environ;
  pid_t child = fork();
  if (child == 0) execv(self, argv), _exit(1);
  say("fork and exec", outcome(child));
  if (posix_spawn(&child, self, NULL, NULL, argv, environ) == 0) say("spawn", outcome(child));
  child = vfork();
  if (child == 0) execv(self, argv), _exit(1);
  say("vfork and exec", outcome(child));
  char command[600];
  snprintf(command, sizeof command, "%s show '%s in a shell'", self, how);
  say("system", system(command));
}

static void ignored(void) {
  for (int i = 0; i < 2; i++) {
    struct sigaction action = {.sa_handler = SIG_IGN, .sa_flags = SA_RESTART | SA_NOCLDWAIT}, old;
    sigaction(ours[i], &action, NULL);
    calls();
    kill(getpid(), ours[i]);
    raise(ours[i]);
    sigaction(ours[i], NULL, &old);
    printf("%d: ignored %d flags %x\n", ours[i], old.sa_handler == SIG_IGN,
           old.sa_flags & ~0x04000000);
  }
  show("both ignored");
  show_children("both");
  signal(SIGTRAP, on);
  raise(SIGTRAP);
  say("handled", hits);
  calls();
  raise(SIGTRAP);
  say("handled again", hits);
  show("one ignored");
  signal(SIGTRAP, SIG_IGN);
  raise(SIGTRAP);
  signal(SIGSYS, SIG_DFL);
  show("the other");
  pid_t child = fork();
  if (child == 0) calls(), raise(SIGTRAP), calls(), raise(SIGSYS), _exit(0);
  say("default", outcome(child));
}

static void all_ignored(void) {
  for (int i = 1; i < 65; i++) signal(i, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  for (int i = 1; i < 65; i++) {
    calls();
    if (i != SIGKILL && i != SIGSTOP && (i < 32 || i > 33)) kill(getpid(), i);
  }
  show("all ignored");
  show_children("all");
}

struct kernel_action {
  void *handler;
  unsigned long flags, restorer, mask;
};

static long bare(long nr, long a, long b, long c, long d) {
  long result;
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
  return result;
}

// Nobody sees this one. What is above the lower half of the number is nothing to the kernel.
static void ignore_bare(int signal) {
  struct kernel_action action = {(void *)1, 0, 0, 0};
  bare(SYS_rt_sigaction, signal | 0x700000000l, (long)&action, 0, 8);
}

static void ignored_bare(void) {
  for (int i = 0; i < 2; i++) ignore_bare(ours[i]);
  calls();
  for (int i = 0; i < 2; i++) kill(getpid(), ours[i]);
  say("still here", 1);
}

static int busy_threads;

static void *busy(void *end) {
  calls();
  __atomic_fetch_add(&busy_threads, 1, __ATOMIC_RELAXED);
  while (!__atomic_load_n((int *)end, __ATOMIC_RELAXED)) calls();
  return NULL;
}

static void ignored_in_threads(void) {
  int end = 0;
  pthread_t threads[2];
  signal(SIGTRAP, SIG_IGN);
  signal(SIGSYS, SIG_IGN);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, busy, &end);
  while (__atomic_load_n(&busy_threads, __ATOMIC_RELAXED) < 2) sched_yield();
  for (int i = 0; i < 200; i++) kill(getpid(), ours[i % 2]), pthread_kill(threads[0], ours[i % 2]);
  struct sigaction old;
  for (int i = 0; i < 2 && !brief; i++) {
    signal(ours[i], SIG_IGN);
    sigaction(ours[i], NULL, &old);
    say("ignored beside threads", old.sa_handler == SIG_IGN);
  }
  char *argv[] = {self, "show", "threads", NULL};
  extern char **environ;
  pid_t child;
  if (posix_spawn(&child, self, NULL, NULL, argv, environ) == 0) say("spawn", outcome(child));
  child = fork();
  if (child == 0) kill(getpid(), SIGSYS), kill(getpid(), SIGTRAP), execv(self, argv), _exit(1);
  say("fork and exec", outcome(child));
  __atomic_store_n(&end, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  say("threads", 2);
}

static void refuse(int nr) {
  struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                               {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (unsigned)nr},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  struct sock_fprog program = {4, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void force(int signal) {
  if (signal == SIGTRAP) {
    __asm__ volatile("int3");
  } else {
    refuse(SYS_getpgrp);
    getpgrp();
    bare(SYS_getpgrp, 0, 0, 0, 0);
  }
}

static void on_and_force(int signal) {
  (void)signal;
  force(SIGTRAP);
}

static void ignore(int number_of) { signal(number_of, SIG_IGN); }

// A forced signal ends the process that blocks or ignores it.
static void forced(int signal) {
  pid_t child = fork();
  if (child == 0)
    signal == SIGTRAP ? ignore_bare(signal) : ignore(signal), calls(), force(signal), _exit(1);
  say("ignored and forced", outcome(child));
  child = fork();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  if (child == 0) {
    struct sigaction action = {.sa_handler = on};
    sigaction(signal, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    calls();
    force(signal);
    _exit(2);
  }
  say("blocked and forced", outcome(child));
  child = fork();
  if (child == 0) {
    struct sigaction action = {.sa_handler = on};
    sigaction(signal, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    calls();
    force(signal);
    _exit(hits == 0);
  }
  say("unblocked and forced", outcome(child));
}

static void forced_in_handler(void) {
  pid_t child = fork();
  if (child == 0) {
    struct sigaction action = {.sa_handler = on_and_force};
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGTRAP, on);
    raise(SIGUSR1);
    _exit(3);
  }
  say("forced in a handler that blocks it", outcome(child));
  child = fork();
  if (child == 0) {
    signal(SIGTRAP, on_and_force);
    raise(SIGTRAP);
    _exit(3);
  }
  say("forced in its own handler", outcome(child));
}

static void *refused_in_thread(void *unused) {
  (void)unused;
  say("in a thread", getpgrp());
  return NULL;
}

static void refused(void) {
  pid_t child = fork();
  if (child == 0) {
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    refuse(SYS_getpgrp);
    for (int i = 0; i < 3; i++) {
      int result = getpgrp();
      printf("refused: %d, address %d, number %d\n", result, address_is_right, number);
    }
    pthread_t thread;
    pthread_create(&thread, NULL, refused_in_thread, NULL);
    pthread_join(thread, NULL);
    say("hits", hits);
    fflush(stdout);
    _exit(0);
  }
  say("refused", outcome(child));
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc > 2) return show(argv[2]), 0;
  void (*const parts[])(void) = {ignored_bare, ignored_in_threads, forced_in_handler, refused,
                                 ignored,      all_ignored};
  show("at the start");
  forced(SIGTRAP);
  forced(SIGSYS);
  brief = argc > 1;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    if (brief && (parts[i] == forced_in_handler || parts[i] == ignored || parts[i] == all_ignored))
      continue;
    pid_t child = fork();
    if (child == 0) {
      signal(SIGSYS, SIG_DFL);
      signal(SIGTRAP, SIG_DFL);
      parts[i]();
      fflush(stdout);
      _exit(0);
    }
    printf("part %zu: %d\n", i, outcome(child));
    fflush(stdout);
  }
  return 0;
}
