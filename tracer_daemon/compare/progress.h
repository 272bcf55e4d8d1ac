// How far it is: a bar on a terminal, a line a round elsewhere.
#pragma once

#include <string>

#include "measure/measure.h"

namespace wc::compare {

// "[#####---------------] 12 of 45, round 2 of 5: strace -f -k, 40 s left", cut to `columns`.
std::string bar_text(const measure::Step& step, double seconds_left, int columns);

class Progress {
 public:
  Progress();
  ~Progress();  // takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const measure::Step& step);
  void say(const std::string& line);  // stays

 private:
  bool on_terminal_;
  double begin_;
  int last_round_ = -1;
};

}  // namespace wc::compare
