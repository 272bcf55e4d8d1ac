// --explore, from the request to the report.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/options.h"

namespace wc::explore {

struct Request {
  Options options;
  std::vector<std::string> tracer;  // the words that start it, before its options
  std::string version;
};

enum class Found { Nothing, SignalOrHang, Interrupted };

// Prints the report to standard output or the file of -o, progress to standard error. An error:
// nothing could be explored, and why.
Result<Found> explore(const Request& request);

}  // namespace wc::explore
