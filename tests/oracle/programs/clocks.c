/* Time: clocks, sleeps, timers of every kind. */
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>

#include "oracle.h"

int main(void) {
  struct timespec at;
  struct timeval value;
  struct timezone zone;
  const int clocks[] = {CLOCK_REALTIME,
                        CLOCK_MONOTONIC,
                        CLOCK_PROCESS_CPUTIME_ID,
                        CLOCK_THREAD_CPUTIME_ID,
                        CLOCK_BOOTTIME,
                        CLOCK_TAI,
                        99};
  for (unsigned i = 0; i < COUNT(clocks); i++) CALL(clock_getres, clocks[i], &at);
  CALL(clock_gettime, CLOCK_MONOTONIC, &at);
  CALL(clock_getres, CLOCK_MONOTONIC, NULL);
  CALL(gettimeofday, &value, &zone);
  CALL(gettimeofday, &value, NULL);
  time_t now;
  CALL(time, &now);
  CALL(time, NULL);
  struct timespec short_time = {0, 1000}, bad = {-1, 2000000000}, left;
  CALL(nanosleep, &short_time, &left);
  CALL(nanosleep, &short_time, NULL);
  CALL(nanosleep, &bad, NULL);
  CALL(nanosleep, NULL, NULL);
  CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &short_time, &left);
  CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &short_time, NULL);
  CALL(clock_settime, CLOCK_MONOTONIC, &short_time);
  struct itimerval interval = {{1, 2}, {100, 4}}, old;
  CALL(setitimer, ITIMER_VIRTUAL, &interval, &old);
  CALL(getitimer, ITIMER_PROF, &old);
  CALL(setitimer, 9, &interval, NULL);
  CALL(alarm, 100);
  CALL(alarm, 0);
  int id = -1;
  struct sigevent none = {.sigev_notify = SIGEV_NONE},
                  with = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
  struct sigevent thread = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
  thread._sigev_un._tid = getpid();
  CALL(timer_create, CLOCK_REALTIME, &none, &id);
  struct itimerspec soon = {{1, 500}, {3000, 0}}, before;
  CALL(timer_settime, id, 0, &soon, &before);
  CALL(timer_settime, id, TIMER_ABSTIME, &soon, NULL);
  CALL(timer_getoverrun, id);
  CALL(timer_delete, id);
  CALL(timer_create, CLOCK_MONOTONIC, &with, &id);
  CALL(timer_create, CLOCK_MONOTONIC, &thread, &id);
  CALL(timer_create, CLOCK_MONOTONIC, NULL, &id);
  CALL(timer_gettime, 99, &before);
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  CALL(timerfd_settime, fd, 0, &soon, &before);
  CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &soon, NULL);
  CALL(timerfd_gettime, -1, &before);
  struct timex adjust = {.modes = 0};
  CALL(adjtimex, NULL);
  CALL(clock_adjtime, 99, &adjust);
  CALL(settimeofday, NULL, NULL);
  CALL(sched_rr_get_interval, 0, &at);
  return 0;
}
