/* Signals as they are delivered: who sent them, what they interrupt, how handlers return. */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "oracle.h"

static sigjmp_buf back;
static void handler(int number) { (void)number; }
static void escape(int number) { siglongjmp(back, number); }

static void install(int number, void (*function)(int), int flags) {
  struct sigaction action = {.sa_handler = function, .sa_flags = flags};
  sigaddset(&action.sa_mask, SIGTERM);
  sigaction(number, &action, NULL);
}

static void alarm_in(int milliseconds) {
  struct itimerval value = {{0, 0}, {0, milliseconds * 1000}};
  setitimer(ITIMER_REAL, &value, NULL);
}

int main(void) {
  install(SIGUSR1, handler, 0);
  kill(getpid(), SIGUSR1);
  raise(SIGUSR1);
  union sigval value = {.sival_int = 77};
  sigqueue(getpid(), SIGUSR1, value);
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_MESGQ};
  info.si_value.sival_int = 5;
  CALL(rt_sigqueueinfo, getpid(), SIGUSR1, &info);
  CALL(rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info);

  int ends[2];
  char byte;
  pipe(ends);
  install(SIGALRM, handler, 0);
  alarm_in(20);
  CALL(read, ends[0], &byte, 1ul);
  alarm_in(20);
  CALL(pause);
  alarm_in(20);
  struct timespec second = {1, 0}, left;
  CALL(nanosleep, &second, &left);
  alarm_in(20);
  CALL(clock_nanosleep, CLOCK_REALTIME, 0, &second, &left);
  sigset_t none;
  sigemptyset(&none);
  alarm_in(20);
  CALL(rt_sigsuspend, &none, 8ul);
  install(SIGALRM, escape, SA_RESTART);
  if (sigsetjmp(back, 1) == 0) {
    alarm_in(20);
    CALL(read, ends[0], &byte, 1ul);
  }

  int (*volatile divide)(int) = abs;
  install(SIGSEGV, escape, SA_NODEFER);
  install(SIGFPE, escape, 0);
  install(SIGILL, escape, 0);
  install(SIGBUS, escape, 0);
  install(SIGTRAP, escape, 0);
  if (sigsetjmp(back, 1) == 0) *(volatile int *)NOWHERE = 1;
  if (sigsetjmp(back, 1) == 0) *(volatile char *)(uintptr_t)main = 1;
  if (sigsetjmp(back, 1) == 0) {
    volatile int zero = divide(0);
    volatile int never = 1 / zero;
    (void)never;
  }
  if (sigsetjmp(back, 1) == 0) __asm__ volatile("ud2");
  if (sigsetjmp(back, 1) == 0) {
    int fd = make_file("short", "");
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    byte = *(volatile char *)page;
  }

  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  event.sigev_value.sival_int = 9;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  struct itimerspec soon = {{0, 0}, {0, 20000000}};
  timer_settime(timer, 0, &soon, NULL);
  CALL(pause);

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sigqueue(getpid(), SIGUSR2, value);
  CALL(rt_sigpending, &none, 8ul);
  CALL(rt_sigtimedwait, &set, &info, NULL, 8ul);
  struct timespec instant = {0, 1000};
  CALL(rt_sigtimedwait, &set, &info, &instant, 8ul);
  kill(getpid(), SIGTERM);
  return 0;
}
