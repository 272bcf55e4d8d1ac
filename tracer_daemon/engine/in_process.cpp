// Engine inproc, the tracer's part: patching a process at its first bell, and what the shim could
// not record. All else is engine ptrace with gate dispatch: a syscall that no patched site records
// stops the thread as it does there.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/tracer.h"

namespace wc {

// Engine inproc, at the process's first bell.
void Tracer::patch_sites(Thread& thread) {
  Process& process = *thread.process;
  const ProcessShare* share = process.share;
  bool records = share != nullptr && share->layout().config & WC_CONFIG_IN_PROCESS;
  if (!records || std::exchange(process.patched, true)) return;
  // What is in the rings then is decoded while the process can still be asked whose addresses they
  // are.
  stop_at_exit(thread.tid, follows_forks());
  std::string who = "process " + std::to_string(process.pid) + ": ";
  if (process.threads != 1) return say(1, who + "has threads already; no syscall site is patched");
  auto outcome = patcher_.patch(process);
  if (!outcome.problem.empty()) return say(1, who + outcome.problem + "; all is left to dispatch");
  say(1, who + std::to_string(outcome.patched) + " syscall sites patched, " +
             std::to_string(outcome.left) + " left to dispatch");
}

// Engine inproc: a syscall that the shim has not recorded.
void Tracer::report_pending(Thread& thread, const wc_pending& one, uint32_t flags, uint64_t ret) {
  wc_record places[3] = {
      {one.seq, ret, __builtin_ia32_rdtsc(), WC_RECORD_SYSCALL | flags | 3u << 16, 0}};
  wc_record_body body{one.tsc, one.nr, 0, {}};
  std::copy(std::begin(one.args), std::end(one.args), body.args);
  std::memcpy(places + 1, &body, sizeof body);
  RecordView view;
  if (RecordReader reader(places); reader.next(view))
    pipeline_.record(thread.source(), view, nullptr, !thread.handlers.empty());
}

// What the thread waited in when it ended.
void Tracer::end_pending(Thread& thread) {
  ProcessShare* share = share_of(thread);
  bool own = share != nullptr && !thread.shares.active;
  if (!own || !(options_.config & WC_CONFIG_IN_PROCESS)) return;
  while (auto one = share->take_pending(static_cast<uint32_t>(thread.slot)))
    report_pending(thread, *one, WC_RECORD_NO_RESULT, 0);
}

// A signal comes between a syscall's return and its record. What the handler does comes later.
void Tracer::complete_pending(Thread& thread, const user_regs_struct& regs) {
  ProcessShare* share = share_of(thread);
  auto ret = static_cast<int64_t>(regs.rax);
  if (share == nullptr || regs.rip != thread.process->shim.site_return || is_restart(ret)) return;
  if (auto one = share->take_pending(static_cast<uint32_t>(thread.slot))) {
    take_stack(thread, regs);
    report_pending(thread, *one, 0, regs.rax);
  }
}

}  // namespace wc
