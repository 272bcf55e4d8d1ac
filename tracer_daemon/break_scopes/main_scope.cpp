#include "break_scopes/main_scope.h"

namespace wc {

void MainScope::on_known(StoppedThread& stop, Thread& thread, uint64_t main) const {
  placing_.place_internal(stop, *thread.process, main, BreakRole::Main);
}

void MainScope::on_entered(StoppedThread& stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  MainSpan& span = process.main;
  process.breaks->remove(process.memory, *process.breaks->at(regs.rip - 1), BreakRole::Main);
  if (span.state != MainSpan::State::Before) return;
  for (const auto& [tid, other] : tracees_.threads)
    if (other->process == thread.process)
      records_.drain(*other, 0);  // what was before is not reported
  span.sp = regs.rsp;
  process.memory.read_all({regs.rsp}, &span.caller, sizeof span.caller);
  placing_.place_internal(stop, process, span.caller, BreakRole::Return);
  span.state = MainSpan::State::In;
  span.counts = totals_.of_wrapped(process);
  placing_.enter_phase(thread, "main");
}

void MainScope::on_left(Thread& thread, uint64_t sp) {
  Process& process = *thread.process;
  MainSpan& span = process.main;
  if (span.state != MainSpan::State::In) return;
  placing_.enter_phase(thread, "exit");
  for (const auto& [tid, other] : tracees_.threads) {
    if (other->process != thread.process || !placing_.is_for_main_only()) continue;
    records_.drain(*other, other.get() == &thread ? sp : 0);
    scopes_.drop_missing(*other, {});
    while (!other->breaks.empty()) scopes_.pop_break(*other);
  }
  span.counts = totals_.of_main(process);
  span.state = MainSpan::State::After;
}

}  // namespace wc
