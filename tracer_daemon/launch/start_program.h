// The first program: made, seized before it executes, then released.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "kernel/stopped_thread.h"
#include "launch/identity.h"
#include "launch/own_limits.h"

namespace wc {

struct StartedProgram {
  // What the child uses until its exec.
  struct Child;
  StartedProgram();
  StartedProgram(StartedProgram&&) noexcept;
  StartedProgram& operator=(StartedProgram&&) noexcept;
  ~StartedProgram();

  std::unique_ptr<Child> child;
  pid_t pid = 0;
  ScopedFd go;          // where it is not seized, it executes when this is closed
  ScopedFd exec_error;  // holds an int errno when the exec fails, end of file when it succeeds
};

// What the tracer sees of the child first: its exec, or a stop in the code that leads to it. None:
// it is not seized.
enum class FirstStop { Exec, BeforeExec, None };

// The child stands before its exec, under the limits that this process was given.
Result<StartedProgram> start_program(const std::string& path,
                                     const std::vector<std::string>& arguments, Follow follow,
                                     FirstStop first, const OwnLimits& limits,
                                     Identity identity = {});

}  // namespace wc
