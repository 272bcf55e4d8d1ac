// The processes below this one, from /proc.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace wc::measure {

// `root` and everything below it, `root` first, zombies too.
std::vector<pid_t> processes_below(pid_t root);

// What it executes, a path; empty when that cannot be read.

// The processes of the program that `leader` is or runs: all but those that execute what the
// leader executes, unless that is all there is. So a tracer is left out, and so is what it has
// forked and has not executed yet.
std::vector<pid_t> program_below(pid_t leader, bool leader_is_the_program);

// Whether one of them has a stream socket that takes connections.
bool listens(const std::vector<pid_t>& processes);

// What they are doing, "NAME in FUNCTION OF THE KERNEL, ...", for who asks why a run did not end.
std::string doing(const std::vector<pid_t>& processes);

// Kills and reaps all children, and what becomes a child by that. For a subreaper.
void kill_descendants();

}  // namespace wc::measure
