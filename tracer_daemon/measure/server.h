// One run of a program that does not end by itself: started, waited for until it is ready, put
// under load, ended.
#pragma once

#include "measure/child.h"
#include "measure/plan.h"

namespace wc::measure {

struct LoadOutcome {
  Outcome run;       // its wall time is the load's
  std::string said;  // the load's output
};

enum class Leader { Program, Tool };

// `limit` holds for the whole of it. An error says what did not become ready, or how the load
// failed.
Result<LoadOutcome> run_under_load(const std::vector<std::string>& command, Leader leader,
                                   const Load& load, Streams streams, double limit);

}  // namespace wc::measure
