#include "signals/time_limits.h"

#include <sys/syscall.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <ctime>

#include "events/tick_clock.h"
#include "signals/interruption.h"

namespace wc {
namespace {

constexpr uint64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000;
constexpr uint64_t kForever = UINT64_MAX;

enum class LimitKind { None, Milliseconds, Timespec };

// The argument with the time limit, and how it is given.
struct Limit {
  LimitKind kind = LimitKind::None;
  unsigned long long user_regs_struct::*argument = nullptr;
};

Limit limit_of(uint64_t nr) {
  switch (nr) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
      return {LimitKind::Milliseconds, &user_regs_struct::r10};
    case SYS_epoll_pwait2:
    case SYS_semtimedop:
      return {LimitKind::Timespec, &user_regs_struct::r10};
    case SYS_rt_sigtimedwait:
      return {LimitKind::Timespec, &user_regs_struct::rdx};
    case SYS_io_getevents:
    case SYS_io_pgetevents:
      return {LimitKind::Timespec, &user_regs_struct::r8};
    default:
      return {};
  }
}

uint64_t nanoseconds(const timespec& time) {
  const auto seconds = static_cast<uint64_t>(time.tv_sec);
  if (time.tv_sec < 0 || seconds > kForever / kSecond / 4) return kForever;
  return seconds * kSecond + static_cast<uint64_t>(time.tv_nsec);
}

// How long the call is to wait at most.
uint64_t read_limit(ProcessMemory& memory, const user_regs_struct& regs, const Limit& limit) {
  const uint64_t value = regs.*limit.argument;
  if (limit.kind == LimitKind::Milliseconds) {
    const auto milliseconds = static_cast<int32_t>(value);
    return milliseconds < 0 ? kForever : static_cast<uint64_t>(milliseconds) * kMillisecond;
  }
  timespec time{};
  return value != 0 && memory.read_all({value}, &time, sizeof time) ? nanoseconds(time) : kForever;
}

}  // namespace

bool has_time_limit(uint64_t nr) { return limit_of(nr).kind != LimitKind::None; }

// When the call that the thread stands in was entered; now, where nobody has seen that.
uint64_t TimeLimits::began(Thread& thread, const user_regs_struct& regs) const {
  for (auto one = thread.inflight.rbegin(); one != thread.inflight.rend(); ++one)
    if (one->sp == regs.rsp && one->since != 0) return one->since;
  ProcessShare* share = thread.share();
  if (share != nullptr && (run_.options.config & WC_CONFIG_IN_PROCESS) != 0) {
    const wc_slot& slot = share->slot(thread.slot_index());
    const uint32_t depth = slot.pending_depth;
    const wc_pending& last = slot.pending[(depth - 1) % WC_PENDING];
    if (depth != 0 && last.nr == regs.orig_rax) return run_.pipeline.clock().nanoseconds(last.tsc);
  }
  return TickClock::now();
}

// Gives the call `left` nanoseconds, in a copy where the argument is a pointer.
bool TimeLimits::shorten(Thread& thread, user_regs_struct& regs, uint64_t left) {
  const Limit limit = limit_of(regs.orig_rax);
  ShortenedWait& wait = thread.wait;
  if (limit.kind == LimitKind::Milliseconds) {
    regs.*limit.argument = (left + kMillisecond - 1) / kMillisecond;
    return true;
  }
  const timespec time{static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond)};
  const uint64_t copy = wait.sp - kBelowRedZone;
  if (!wait.place.overwrite(thread.process->memory, {copy}, &time, sizeof time)) return false;
  regs.*limit.argument = copy;
  return true;
}

bool TimeLimits::issue_in_time(const StoppedThread& stop, Thread& thread,
                               user_regs_struct& regs) const {
  if (thread.process->is_job_stopped || !may_be_issued_again(stop, regs)) return false;
  ShortenedWait& wait = thread.wait;
  const Limit limit = limit_of(regs.orig_rax);
  const bool goes_on = wait.active && wait.sp == regs.rsp && wait.nr == regs.orig_rax;
  if (limit.kind != LimitKind::None && !goes_on) {
    const uint64_t whole = read_limit(thread.process->memory, regs, limit);
    if (whole != kForever)
      wait = {.active = true,
              .sp = regs.rsp,
              .nr = regs.orig_rax,
              .deadline = began(thread, regs) + whole,
              .own_argument = regs.*limit.argument};
  }
  if (wait.active && wait.nr == regs.orig_rax) {
    const uint64_t now = TickClock::now();
    if (!shorten(thread, regs, wait.deadline > now ? wait.deadline - now : 0)) {
      (void)restore(thread, regs);
      return false;
    }
    const ShimAddresses& shim = thread.process->shim;
    const bool in_pad = regs.rip == shim.gadget + 2 || regs.rip == shim.landing + 2;
    wait.own_stops =
        !thread.is_watched() && !thread.process->watches_all && thread.breaks.empty() && !in_pad;
  }
  issue_again(regs);
  return stop.set_registers(regs);
}

bool TimeLimits::issue_in_time(const StoppedThread& stop, Thread& thread, int64_t result) const {
  user_regs_struct regs{};
  return result == -EINTR && stop.registers(regs) && issue_in_time(stop, thread, regs);
}

// The call is over: the program finds its argument, and its stack, as they were.
bool TimeLimits::restore(Thread& thread, user_regs_struct& regs) {
  const ShortenedWait wait = std::exchange(thread.wait, {});
  if (!wait.active || wait.sp != regs.rsp) return false;
  wait.place.put_back(thread.process->memory);
  regs.*limit_of(wait.nr).argument = wait.own_argument;
  return true;
}

void TimeLimits::restore(const StoppedThread& stop, Thread& thread) {
  user_regs_struct regs{};
  if (!thread.wait.active || !stop.registers(regs)) return;
  if (restore(thread, regs)) (void)stop.set_registers(regs);
}

}  // namespace wc
