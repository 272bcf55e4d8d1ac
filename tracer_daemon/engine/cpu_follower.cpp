#include "engine/cpu_follower.h"

#include <cerrno>

namespace wc {
namespace {

// Stops of one thread in a row that make it the one thread. Threads that take turns are left to
// the scheduler: binding them would take their parallelism.
constexpr unsigned kStreak = 6;

}  // namespace

CpuFollower::CpuFollower() {
  useful_ = sched_getaffinity(0, sizeof own_mask_, &own_mask_) == 0 && CPU_COUNT(&own_mask_) > 1;
}

void CpuFollower::stopped(pid_t tid) {
  if (!useful_) return;
  if (tid == last_) {
    if (++streak_ == kStreak) follow();
  } else {
    last_ = tid;
    streak_ = 0;
    if (following_) let_go();
  }
}

void CpuFollower::follow() {
  cpu_ = sched_getcpu();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu_, &one);
  following_ = cpu_ >= 0 && sched_setaffinity(0, sizeof one, &one) == 0;
}

void CpuFollower::let_go() {
  sched_setaffinity(0, sizeof own_mask_, &own_mask_);
  following_ = false;
}

void CpuFollower::part() {
  streak_ = 0;
  if (following_) let_go();
}

void CpuFollower::resume(StoppedThread&& thread, Resume how, int signal) {
  pid_t tid = thread.tid();
  cpu_set_t mask, one;
  CPU_ZERO(&one);
  CPU_SET(cpu_, &one);
  bool narrow = following_ && how != Resume::Listen &&
                sched_getaffinity(tid, sizeof mask, &mask) == 0 && CPU_ISSET(cpu_, &mask) &&
                CPU_COUNT(&mask) > 1 && sched_setaffinity(tid, sizeof one, &one) == 0;
  std::move(thread).resume(how, signal);
  if (narrow) sched_setaffinity(tid, sizeof mask, &mask);
}

}  // namespace wc
