// The commands of wc-tracerd.
#pragma once

#include "config/options.h"

namespace wc {

class OwnLimits;

// Run a program under the tracer; may not return.
int run(const Options& options, const OwnLimits& limits);
int attach(const Options& options);  // trace running processes
int serve(const Options& options);   // standing tracer on a control socket
int replay(const Options& options);  // --replay
int diff(const Options& options);    // --diff
// What a back end makes of a raw file.
Result<std::string> replay_to_text(const std::string& file, const std::string& sysroot,
                                   const std::string& backend);
int compare_tools(const Options& options);   // --compare
int explore_points(const Options& options);  // --explore
int measure_plan(const Options& options);    // the measuring core alone, for tests/bench
int list_functions(const Options& options);  // --list-functions
int list_syscalls(const Options& options);   // --list-syscalls
int list_classes();                          // --list-classes

// The environment that the launcher script was given, which its shell has changed: read from the
// pipe that the launcher has left open, and the pipe closed. Without one, nothing changes.
void restore_environment();

// Text that was asked for, to standard output. Returns the status to end with.
int print(const std::string& text);

// "wc-preload: MESSAGE" to standard error.
void complain(const std::string& message);

}  // namespace wc
