// Several runs at a time, each with a process of its own that watches it: measure/ knows one run,
// and ends all that this process has started.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "explore/endings.h"

namespace wc::explore {

struct Job {
  std::vector<std::string> command;
  double limit = 0;  // seconds
};

// The processors on which this process may run.
std::size_t width_here();

// Runs all of them, `width` at a time, and hands over each one that is done, without its trace.
// Begins none after `deadline` (measure::now()) or once it is interrupted.
Status run_all(const std::vector<Job>& jobs, std::size_t width, double deadline,
               const std::function<void(std::size_t, Ran)>& on_done);

}  // namespace wc::explore
