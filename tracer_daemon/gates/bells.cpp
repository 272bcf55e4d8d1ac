#include "gates/bells.h"

#include <utility>

#include "tracee/resume.h"

namespace wc {

void raise_ack(uint32_t& ack, uint32_t number) {
  if (static_cast<int32_t>(number - ack) > 0) __atomic_store_n(&ack, number, __ATOMIC_RELEASE);
}

void Bells::on_bell(StoppedThread stop, Thread& thread, const user_regs_struct& regs) {
  ProcessShare* share = thread.process->share.get();
  if (share != nullptr && share->valid_slot(regs.rdi)) {
    if (run_.options.config & WC_CONFIG_IN_PROCESS) parts_.heartbeat.quicken();
    parts_.patching.patch(thread);
    auto slot = static_cast<uint32_t>(regs.rdi);
    // Its ring is full: it runs again as soon as the records are out, and they are reported then.
    if (auto records = parts_.records.take_full(thread, slot, regs.rsp)) {
      resume(std::move(stop), thread);
      return parts_.records.digest(thread, *records);
    }
    if (run_.options.config & WC_CONFIG_ALL_CALLS) parts_.stacks.take(thread, regs);
    answer(thread, slot, regs.rsp);
  }
  resume(std::move(stop), thread);
}

void Bells::answer(Thread& thread, uint32_t slot, uint64_t sp) {
  if (thread.slot != static_cast<int>(slot)) return;
  parts_.records.drain(thread, sp);
  wc_slot& shared = thread.process->share->slot(slot);
  shared.wants_room = 0;
  const bool is_dispatch = thread.process->gate_in_force() == WC_GATE_DISPATCH;
  // A vfork child stays armed. A shim that could not arm dispatch rings as under gate trap.
  const bool is_switched = is_dispatch ? shared.gate_want != 0 || thread.is_watched() : true;
  if (!thread.shares.active && is_switched) {
    const bool is_open = shared.gate_want != 0 || (!is_dispatch && thread.process->watches_all);
    thread.watch = is_open ? SyscallWatch::Scope : SyscallWatch::None;
    shared.gate_open = is_open ? 1 : 0;
  }
  auto scopes = parts_.scopes.live(thread, sp);
  if (run_.options.config & WC_CONFIG_ALL_CALLS)
    parts_.scopes.report_calls(thread, scopes, ReportedFor::Call);
  else
    parts_.scopes.drop_missing(thread, scopes);
}

void Bells::on_interrupted(StoppedThread stop, Thread& thread) {
  thread.awaits_bell = false;
  user_regs_struct regs{};
  ProcessShare* share = thread.share();
  if (share != nullptr && stop.registers(regs)) {
    if (run_.options.config & WC_CONFIG_ALL_CALLS) parts_.stacks.take(thread, regs);
    answer(thread, thread.slot_index(), regs.rsp);
    raise_ack(share->slot(thread.slot_index()).ack, thread.awaited_bell);
  }
  resume(std::move(stop), thread);
}

}  // namespace wc
