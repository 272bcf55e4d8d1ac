#include "kernel/stops.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

namespace wc {

Seen Stops::next(Wait how) {
  if (kept_.empty()) return kernel_.look(kAnyThread, how);
  Seen first = kept_.front();
  kept_.pop_front();
  return first;
}

Seen Stops::next_of(pid_t tid) {
  auto of_thread = [tid](const Seen& one) { return one.tid == tid; };
  auto known = std::find_if(kept_.begin(), kept_.end(), of_thread);
  if (known == kept_.end()) return kernel_.look(tid, Wait::Poll);
  Seen found = *known;
  kept_.erase(known);
  return found;
}

std::optional<Seen> Stops::wait_for(pid_t tid) {
  for (;;) {
    Seen seen = kernel_.look(tid, Wait::Poll);
    if (seen.tid == 0) seen = look_awake([] { return false; });
    if (seen.tid == 0) seen = kernel_.look(kAnyThread, Wait::Block);
    if (seen.tid > 0) awake_.has_ended();
    if (seen.tid == tid) return seen;
    if (seen.tid == -EINTR || seen.tid == 0) continue;
    if (seen.tid < 0) return std::nullopt;
    if (WIFSTOPPED(seen.status)) kernel_.claim(seen.tid);
    kept_.push_back(seen);
  }
}

}  // namespace wc
