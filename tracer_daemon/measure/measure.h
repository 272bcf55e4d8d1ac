// Runs the variants of a row in turn, again and again, and keeps every figure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measure/child.h"
#include "measure/plan.h"

namespace wc::measure {

struct Sample {
  double figure = 0;  // in the row's unit
  double wall = 0;    // seconds; a load's
  double cpu = 0;     // seconds, user and system, of the whole tree
  int status = 0;     // as wait(2) gives it
};

// What a tool's trace of one run holds.
struct Seen {
  unsigned long events = 0;      // system calls
  unsigned long attributed = 0;  // of these, to a function
};

struct VariantResult {
  Variant variant;
  std::map<int, Sample> samples;  // by round
  std::string failure;            // why it was given up, in words
  std::optional<Seen> seen;
};

struct RowResult {
  Row row;
  std::vector<VariantResult> variants;
  bool out_of_time = false;  // fewer rounds than were asked for
};

struct Step {
  int done = 0;
  int total = 0;
  int round = 0;  // 0 is the warm-up
  int rounds = 0;
  std::string variant;
  std::string row;
};
using OnStep = std::function<void(const Step&)>;

// One figure of one variant: row.runs runs of it. `streams` gets the program's output; where the
// figure is taken from the output, it must be given. An error says in words how a run ended badly.
struct Capture {
  Streams streams;
  int figure_from = -1;  // the file in which the program's own figure stands
};
Result<Sample> take_sample(const Row& row, std::size_t variant, const Capture& capture,
                           double limit);

// Empty when the sample ended as native did, else how it ended, in words.
std::string fault_of_status(const Sample& sample, const Variant& variant, int native_status);

// Interleaved: every variant once, then again. A variant that fails is not run again. Every run
// must end as native's first did, whatever that was.
RowResult measure(const Row& row, const Plan& plan, double deadline, const OnStep& on_step);

}  // namespace wc::measure
