// The first line of backend "json": what was run, where, and how to turn time stamps into dates.
#pragma once

#include <cstdint>
#include <string>

#include "json_writer.h"
#include "wc_backend.h"

namespace wc::backends {

// When and where, as other backends write it, too.
struct RunFacts {
  std::string time;             // "2026-11-28T11:33:31.123456789Z"
  int64_t realtime_offset = 0;  // to be added to a time stamp
  std::string host, kernel;     // empty: not known
};
// Of the run that is reported, which may be a recorded one.
RunFacts run_facts(const wc_host& host);

void write_run(JsonWriter& json, const wc_host& host);

}  // namespace wc::backends
