#include "launch/engine_choice.h"

#include "config/relations.h"

namespace wc {

// A process that runs already can be given no library: there -F selects breakpoints. Engine bpf
// gives none to anybody.
bool wraps(const Options& options) {
  if (options.engine == EngineChoice::Bpf) return false;
  return options.pids.empty() && (selects_functions(options) || !options.user_preloads.empty());
}

std::string inproc_obstacle(const Options& options, wc_gate gate) {
  if (const auto why = config::obstacle_to_inproc(options); !why.empty()) return std::string(why);
  if (gate != WC_GATE_DISPATCH) return "what is not patched needs gate dispatch";
  return {};
}

}  // namespace wc
