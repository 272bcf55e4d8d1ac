#include "tracee/trace_run.h"

#include <unistd.h>

#include <cstdio>

namespace wc {

void publish_plans(const TracerOptions& options, wc_shared_header& header) {
  for (size_t nr = 0; nr < options.plans.size(); nr++) {
    const uint32_t action =
        options.rules_concern(nr) ? uint32_t{WC_PLAN_TRACER} : options.plans[nr].action;
    __atomic_store_n(&header.plans[nr].action, action, __ATOMIC_RELEASE);
  }
}

void TraceRun::say(int level, const std::string& text) const {
  if (options.verbose >= level) dprintf(STDERR_FILENO, "wc-preload: %s\n", text.c_str());
}

}  // namespace wc
