#include "launch/engine_choice.h"

namespace wc {

// Full-process mode and breakpoints wrap nothing of themselves.
bool selects_functions(const Options& options) {
  return options.functions_given ||
         (options.scope != ScopeMode::Process && options.breakpoints.empty());
}

// A process that runs already can be given no library: there -F selects breakpoints.
bool wraps(const Options& options) {
  return options.pid == 0 && (selects_functions(options) || !options.user_preloads.empty());
}

std::string inproc_obstacle(const Options& options, wc_gate gate) {
  if (options.scope == ScopeMode::Process) return "--scope=process needs a stop at every syscall";
  if (!options.breakpoints.empty()) return "breakpoints (-B) need the stops of engine ptrace";
  if (gate != WC_GATE_DISPATCH) return "what is not patched needs gate dispatch";
  if (options.show_paths) return "-y needs a stop at every syscall";
  return {};
}

}  // namespace wc
