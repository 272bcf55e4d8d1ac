/* Scheduling: policies, parameters, processors. */
#include <sched.h>
#include <sys/resource.h>

#include "oracle.h"

struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
};

int main(void) {
  struct sched_param param = {.sched_priority = 0};
  CALL(sched_getscheduler, 0);
  CALL(sched_setscheduler, 0, SCHED_BATCH, &param);
  CALL(sched_setscheduler, 0, SCHED_OTHER | 0x40000000, &param);
  CALL(sched_getparam, 0, &param);
  CALL(sched_setparam, 0, &param);
  CALL(sched_get_priority_max, SCHED_FIFO);
  CALL(sched_get_priority_min, SCHED_RR);
  CALL(sched_get_priority_min, 77);
  CALL(sched_yield);
  cpu_set_t set;
  CALL(sched_getaffinity, 0, sizeof set, &set);
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  CALL(sched_setaffinity, 0, sizeof set, &set);
  CALL(sched_getaffinity, 0, 8ul, &set);
  CALL(sched_getaffinity, 0, 1ul, &set);
  struct attributes attributes;
  CALL(sched_getattr, 0, &attributes, sizeof attributes, 0);
  attributes = (struct attributes){.size = 48, .policy = SCHED_OTHER, .flags = 1, .nice = 3};
  CALL(sched_setattr, 0, &attributes, 0);
  attributes = (struct attributes){
      .size = 48, .policy = SCHED_DEADLINE, .runtime = 1, .deadline = 2, .period = 3};
  CALL(sched_setattr, 0, &attributes, 0);
  attributes = (struct attributes){
      .size = sizeof attributes, .policy = SCHED_FIFO, .flags = 0x60, .priority = 200};
  CALL(sched_setattr, 0, &attributes, 0);
  CALL(sched_setattr, 0, NULL, 0);
  CALL(sched_getattr, 0, NULL, 48, 0);
  CALL(ioprio_get, 1, 0);
  CALL(ioprio_set, 1, 0, 2 << 13 | 4);
  unsigned cpu, node;
  CALL(getcpu, NULL, NULL, NULL);
  CALL(kcmp, getpid(), getpid(), 0, 0ul, 1ul);
  (void)cpu, (void)node;
  return 0;
}
