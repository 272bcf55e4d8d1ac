// What --compare is asked for and may use, filled in by launch.
#pragma once

#include <string>
#include <vector>

#include "compare/trace_count.h"
#include "config/options.h"
#include "measure/plan.h"

namespace wc::compare {

struct Request {
  Options options;
  std::vector<std::string> launcher;  // the words that start the tool, before its options
  std::vector<std::string> gates;     // those that work here
  bool in_process = false;            // engine inproc works here
  std::string inproc_obstacle;        // what it cannot do of what is asked for, or empty
  bool wraps = true;                  // scoped rows wrap functions; else breakpoints are all
  std::string cannot_wrap;            // why the program's functions cannot be wrapped, or empty
};

enum class Kind { Native, Scoped, Process, Peer };

// One line of the table.
struct Entry {
  Kind kind = Kind::Native;
  measure::Variant variant;
  std::vector<std::string> first_command;  // of the warm-up, where it is another one
  TraceFormat format = TraceFormat::None;
  std::string count_file;  // what the warm-up run leaves to be counted
  std::string failure;     // in the warm-up
  measure::Seen seen;
};

}  // namespace wc::compare
