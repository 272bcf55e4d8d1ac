#include "patch/process_patching.h"

#include <fmt/format.h>

#include <utility>

namespace wc {

void ProcessPatching::patch(Thread& thread) {
  Process& process = *thread.process;
  const ProcessShare* share = process.share.get();
  bool records = share != nullptr && share->layout().config & WC_CONFIG_IN_PROCESS;
  if (!records || std::exchange(process.patched, true)) return;
  // What is in the rings then is decoded while the process can still be asked whose addresses they
  // are.
  stop_at_exit(kernel_, thread.tid, run_.options.follows_forks());
  std::string who = "process " + std::to_string(process.pid) + ": ";
  if (process.threads != 1)
    return run_.say(1, who + "has threads already; no syscall site is patched");
  auto outcome = patcher_.patch(process);
  if (!outcome.problem.empty())
    return run_.say(1, who + outcome.problem + "; all is left to dispatch");
  for (const auto& library : outcome.libraries) {
    run_.say(1, who + describe(library));
    if (!library.is_new) continue;
    for (const RefusedSite& one : library.refused)
      run_.say(2, fmt::format("{}: site {:#x} is not patched: {}", library.path, one.syscall,
                              reason(one.why)));
  }
}

}  // namespace wc
