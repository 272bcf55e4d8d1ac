#include "tracee/trace_run.h"

#include <unistd.h>

#include <cstdio>

namespace wc {

void TraceRun::say(int level, const std::string& text) const {
  if (options.verbose >= level) dprintf(STDERR_FILENO, "wc-preload: %s\n", text.c_str());
}

}  // namespace wc
