#include "signals/passed_signals.h"

#include <unistd.h>

#include <algorithm>

#include "signals/interruption.h"

namespace wc {
namespace {

// The kernel sends to a whole group at once, and a manager of cgroups to one process after the
// other; both are over long before this, if the machine is not very busy.
constexpr uint64_t kHold = 30'000'000;     // nanoseconds
constexpr uint64_t kMemory = 200'000'000;  // how long an arrival or an end is remembered
constexpr size_t kMost = 64;

pid_t sender_of(const siginfo_t& info) { return info.si_code == SI_KERNEL ? 0 : info.si_pid; }

bool is_sent(int code) {
  return code == SI_USER || code == SI_QUEUE || code == SI_TKILL || code == SI_KERNEL;
}

template <typename List>
void forget(List& list, uint64_t now) {
  while (!list.empty() && (list.size() > kMost || now - list.front().at > kMemory))
    list.pop_front();
}

}  // namespace

void PassedSignals::arrived(pid_t pid, const siginfo_t& info, uint64_t now) {
  if (!is_sent(info.si_code)) return;
  arrivals_.push_back({pid, info.si_signo, sender_of(info), now});
  forget(arrivals_, now);
}

void PassedSignals::ended(pid_t pid, uint64_t now) {
  ended_.push_back({pid, now});
  forget(ended_, now);
}

bool PassedSignals::has_ended(pid_t pid) const {
  return std::any_of(ended_.begin(), ended_.end(),
                     [&](const Ended& one) { return one.pid == pid; });
}

// From the kernel come: keys of the terminal, which the program has felt if it is in the
// foreground; limits that the tracer has met; the end of the terminal, which the leader of a
// session is the only one to hear of.
bool PassedSignals::is_meant_for_program(const ReceivedSignal& received) {
  if (received.code == SI_KERNEL) return received.signal == SIGHUP;
  return is_sent(received.code) && received.sender != getpid();
}

std::vector<ReceivedSignal> PassedSignals::due(uint64_t now) {
  auto waits = [&](const ReceivedSignal& one) { return now - one.at < kHold; };
  auto first_due = std::partition(held_.begin(), held_.end(), waits);
  std::vector<ReceivedSignal> ready(first_due, held_.end());
  held_.erase(first_due, held_.end());
  return ready;
}

bool PassedSignals::has_got(pid_t pid, const ReceivedSignal& received) {
  // In a PID namespace of its own the program cannot name a sender from outside.
  auto same = [&](const Arrival& one) {
    return one.pid == pid && one.signal == received.signal &&
           (one.sender == received.sender || one.sender == 0) && one.at + kHold > received.at;
  };
  auto found = std::find_if(arrivals_.begin(), arrivals_.end(), same);
  const bool is_queued = received.signal >= SIGRTMIN;
  if (found != arrivals_.end()) {
    if (is_queued) arrivals_.erase(found);  // each of these counts
    return true;
  }
  // One that is blocked has not arrived; a second one would be nothing new.
  return !is_queued && is_waiting(pid, received.signal);
}

}  // namespace wc
