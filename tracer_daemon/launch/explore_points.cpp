// --explore: looks at the program and hands over.
#include <unistd.h>

#include "explore/explore.h"
#include "launch/launch.h"
#include "launch/preflight.h"
#include "launch/signals.h"
#include "measure/child.h"
#include "proc/process.h"

namespace wc {

int explore_points(const Options& options) {
  const Target target = inspect_target(options.program[0], Purpose::Trace);
  if (!target.refusal.message.empty()) {
    complain(target.refusal.message);
    return target.refusal.status;
  }
  explore::Request request;
  request.options = options;
  // Not the launcher: its work has been done for this process, and takes time in each run.
  request.tracer = {proc::exe_path(getpid()), "run"};
  request.version = version_number();
  const auto found = explore::explore(request);
  if (measure::interrupted_by() != 0) end_like(measure::interrupted_by());
  if (!found) {
    complain(found.error().message);
    return kTracerFailed;
  }
  return *found == explore::Found::Nothing ? 0 : 1;
}

}  // namespace wc
