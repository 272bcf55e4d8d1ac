// The time stamp in front of a text line: -t, -tt, -ttt and -r as strace prints them.
#pragma once

#include <cstdint>
#include <string>

#include "wc_backend.h"

namespace wc::backends {

class TimeStamps {
 public:
  // The format is wc_host::time_format. Events carry CLOCK_MONOTONIC; what to add for the wall
  // clock is the run's: a clock that is set later does not make lines jump.
  explicit TimeStamps(const wc_host& host);

  // Appends the stamp and a space, or nothing without a format. With -r the time is relative to
  // the latest line before; a line that is older (held back while another thread printed)
  // shows 0.
  void append(std::string& out, uint64_t ts);

 private:
  void append_clock(std::string& out, uint64_t ts);
  void append_relative(std::string& out, uint64_t ts);

  uint32_t format_;   // without -r
  bool is_relative_;  // -r
  int64_t wall_offset_ = 0;
  uint64_t latest_ = 0;
  int64_t cached_second_ = -1;  // localtime_r is slow: once a second is enough
  char cached_clock_[16] = {};
};

}  // namespace wc::backends
