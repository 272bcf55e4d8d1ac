#include "engine/heartbeat.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace wc {

Heartbeat::~Heartbeat() {
  if (started_) timer_delete(timer_);
}

void Heartbeat::start() {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGUSR1;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  started_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  set(kSlow);
}

void Heartbeat::found(size_t records) {
  uint64_t period = records != 0 ? kFast : std::min(period_ * 2, kSlow);
  if (period != period_) set(period);
}

void Heartbeat::set(uint64_t period) {
  period_ = period;
  const timespec every{0, static_cast<long>(period)};
  const itimerspec both{every, every};
  if (started_) timer_settime(timer_, 0, &both, nullptr);
}

}  // namespace wc
