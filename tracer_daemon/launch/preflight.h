// Looks at the target before anything starts.
#pragma once

#include <string>

#include "base/result.h"
#include "elf/loader_command.h"

namespace wc {

// Exit statuses of the tool itself, as env(1) has them.
inline constexpr int kTracerFailed = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

struct Refusal {
  int status = kTracerFailed;
  std::string message;
};

struct Target {
  std::string path;  // to execute
  Refusal refusal;   // message empty: go on
  std::string
      program;  // the ELF file that will run: `path`, or a script's interpreter; empty: unreadable
  std::optional<LoaderCommand> loaded;  // that file is ld.so, which is told to start a program
};

// What is to be done with the target: a program that cannot be wrapped can often be traced.
enum class Purpose { Wrap, Trace };

// Finds `name` as execvp(3) would and judges it, a script's interpreter included.
Target inspect_target(const std::string& name, Purpose purpose);

// The same for a command, whose program may be started through ld.so.
Target inspect_command(const std::vector<std::string>& words, Purpose purpose);

}  // namespace wc
