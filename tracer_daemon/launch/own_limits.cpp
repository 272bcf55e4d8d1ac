#include "launch/own_limits.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <string>

namespace wc {
namespace {

// An empty handler and not SIG_IGN: an exec gives the program its default action back.
void on_file_too_large(int) {}

void survive_large_files() {
  struct sigaction old {
  }, action{};
  if (sigaction(SIGXFSZ, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) return;
  action.sa_handler = on_file_too_large;
  sigaction(SIGXFSZ, &action, nullptr);
}

}  // namespace

OwnLimits::OwnLimits() {
  for (size_t i = 0; i < kResources.size(); i++) {
    rlimit& before = raised_[i].before;
    if (getrlimit(kResources[i], &before) != 0 || before.rlim_cur == before.rlim_max) continue;
    rlimit raised{before.rlim_max, before.rlim_max};
    raised_[i].is_raised = setrlimit(kResources[i], &raised) == 0;
  }
  survive_large_files();
}

Status OwnLimits::give_back(pid_t pid) const {
  for (size_t i = 0; i < kResources.size(); i++)
    if (raised_[i].is_raised && prlimit(pid, kResources[i], &raised_[i].before, nullptr) != 0)
      return Error::from_errno("cannot give the program its own resource limits", errno);
  return Done{};
}

Status check_descriptors() {
  // Measured: the start needs 12 at once beside the three of the program's own, one process more.
  constexpr int kNeeded = 20;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1024) return Done{};
  int free = 0;
  for (int fd = 0; fd < static_cast<int>(limit.rlim_cur) && free < kNeeded; fd++)
    if (fcntl(fd, F_GETFD) == -1) free++;
  if (free == kNeeded) return Done{};
  return Error{"too few files may be open at once: " + std::to_string(limit.rlim_cur) +
                   " (ulimit -n), of which " + std::to_string(free) +
                   " are free; the tracer needs " + std::to_string(kNeeded),
               EMFILE};
}

}  // namespace wc
