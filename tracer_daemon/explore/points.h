// The points of a run: each place where a system call can be made to fail.
#pragma once

#include <string>
#include <vector>

#include "explore/naming.h"
#include "explore/trace.h"

namespace wc::explore {

// What is a point is decided by function, system call and the place from where the outermost open
// call was made; an error is returned where the program comes there for the first time.
struct Point {
  std::string syscall;
  std::string function, library;  // the innermost; empty: outside of every call
  Place caller;                   // of the outermost
  std::size_t times = 0;          // that the first run came there
  std::string error;              // of the first time; empty: it succeeded
  PointName name;
};

// In the order in which the run came to them.
std::vector<Point> collect_points(const Trace& trace, Naming naming);

// Whether the system call is at the point.
bool is_at(const Trace& trace, const Syscall& syscall, const Point& point);

// "write in puts from main+0x21 at hello.c:5".
std::string point_text(const Point& point);

}  // namespace wc::explore
