// How a run ended, against a run in which nothing fails.
#pragma once

#include <string>
#include <vector>

#include "explore/points.h"

namespace wc::explore {

// What was left of a run.
struct Ran {
  int status = 0;     // as wait(2) gives it
  bool ended = true;  // within its time
  double seconds = 0;
  std::string doing;    // its processes, when the time was over
  std::string failure;  // why it could not be made at all, or empty
  std::string out, err;
  Trace trace;
};

// Of two runs in which nothing failed.
struct Sound {
  int status = 0;
  std::string out, err;
  bool out_varies = false, err_varies = false;  // from run to run: not compared
  std::vector<std::string> deaths;              // signals of which a process dies anyway
};
// Whether they left the same: status, and output without the tool's own lines.
bool ended_alike(const Ran& one, const Ran& other);
Sound sound_of(const Ran& first, const Ran& second);

enum class Ending {
  Same,
  OtherStatus,
  OutputDiffers,
  Signal,
  Hang,
  NotReached,   // the run went another way
  FailsAnyway,  // with this error, without a rule
  CannotFail,
  NotRun,
  Failed  // the tracer could not run it
};

struct Verdict {
  Ending ending = Ending::NotRun;
  std::string text;                // "other status 1", "signal SIGSEGV"
  std::string signal;              // Signal
  int status = 0;                  // OtherStatus
  std::vector<std::string> stack;  // Signal
};

// What the program wrote, without the tool's own lines.
std::string without_own_lines(const std::string& text);

// Why the tracer could not run it, or empty.
std::string fault_of_tracer(const Ran& ran);

Verdict judge(const Sound& sound, const Ran& ran, const Point& point);

}  // namespace wc::explore
