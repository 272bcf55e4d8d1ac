// What stands in the head of a report: where and when it was measured, and how quiet it was.
#pragma once

#include <string>

namespace wc::measure {

struct Machine {
  std::string date;    // local time with its offset
  std::string kernel;  // release and architecture
  std::string cpu;     // "2 of 2 CPUs, NAME"
  double load = 0;     // average of the last minute
};

Machine this_machine();

// How much CPU others used since this was made: what makes figures wrong.
class Interference {
 public:
  Interference();
  [[nodiscard]] double share() const;  // of one CPU

 private:
  double begin_;
  double others_;
};

// The first line that `command --version` prints, or empty.
std::string version_of(const std::string& command);

}  // namespace wc::measure
