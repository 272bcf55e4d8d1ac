// Engine inproc, the tracer's part: patching a process at its first bell, and what the shim could
// not record. All else is engine ptrace with gate dispatch: a syscall that no patched site records
// stops the thread as it does there.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/tracer.h"

namespace wc {

// Engine inproc, at the process's first bell.
void Tracer::patch_sites(Thread& thread) {
  Process& process = *thread.process;
  const ProcessShare* share = process.share.get();
  bool records = share != nullptr && share->layout().config & WC_CONFIG_IN_PROCESS;
  if (!records || std::exchange(process.patched, true)) return;
  // What is in the rings then is decoded while the process can still be asked whose addresses they
  // are.
  stop_at_exit(stops_.kernel(), thread.tid, follows_forks());
  std::string who = "process " + std::to_string(process.pid) + ": ";
  if (process.threads != 1) return say(1, who + "has threads already; no syscall site is patched");
  auto outcome = patcher_.patch(process);
  if (!outcome.problem.empty()) return say(1, who + outcome.problem + "; all is left to dispatch");
  for (const auto& library : outcome.libraries) {
    say(1, who + describe(library));
    if (!library.is_new) continue;
    for (const RefusedSite& one : library.refused)
      say(2, fmt::format("{}: site {:#x} is not patched: {}", library.path, one.syscall,
                         reason(one.why)));
  }
}

// The thread's ring is full. It goes on as soon as what is in it is taken out, and is told of
// while it runs.
bool Tracer::make_room(StoppedThread& stop, Thread& thread, uint32_t slot, uint64_t sp) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr || thread.slot != static_cast<int>(slot) || thread.shares.active ||
      std::exchange(share->slot(slot).wants_room, 0u) == 0)
    return false;
  complete_landed(thread);
  drop_left_syscalls(thread, sp);
  bool wanted =
      (pipeline_.backends().has_audience() && is_reported(thread)) || !thread.calls.calls().empty();
  std::span<const wc_record> records;
  if (wanted)
    records = share->drain(slot);
  else
    share->discard(slot);
  if (wanted && share->found_impossible_ring()) on_corrupt_ring(thread);
  resume(std::move(stop), thread);
  digest(thread, records);
  return true;
}

// --overflow=drop: what found no room since the last look.
void Tracer::report_dropped(Thread& thread) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr || thread.shares.active) return;
  uint64_t dropped =
      __atomic_load_n(&share->slot(static_cast<uint32_t>(thread.slot)).dropped, __ATOMIC_RELAXED);
  if (uint64_t fresh = dropped - std::exchange(thread.dropped, dropped); fresh != 0)
    pipeline_.lost(thread.process->pid, fresh);
}

// Calls that stood too deep to be recorded: at the end, for it is one number.
void Tracer::report_too_deep(Thread& thread) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr || thread.shares.active || !is_reported(thread)) return;
  uint32_t& overflow = share->slot(static_cast<uint32_t>(thread.slot)).overflow;
  if (uint32_t count = __atomic_exchange_n(&overflow, 0u, __ATOMIC_RELAXED); count != 0)
    pipeline_.lost(thread.process->pid, count);
}

namespace {

// The outermost call, in `scope`, as the shim would have recorded it.
std::array<wc_record, 3> record_of(const wc_scope& scope, uint64_t tsc) {
  std::array<wc_record, 3> places{};
  places[0] = {scope.seq, scope.caller, tsc, WC_RECORD_CALL | 3u << 16, 0};
  wc_record_body body{scope.sp, scope.function, 0, {}};
  std::copy(std::begin(scope.args), std::end(scope.args), body.args);
  std::memcpy(&places[1], &body, sizeof body);
  return places;
}

constexpr uint64_t kWaits = 100'000'000;  // nanoseconds that make a syscall one to be told of

}  // namespace

// A call is recorded together with its first syscall, when that has come back. Where it waits, the
// call is told of before: somebody may be watching. The thread is asleep, or may run at any moment:
// what is seen counts if nothing has changed meanwhile, and the record that comes after all
// repeats it.
void Tracer::announce_waiting(Thread& thread) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr || thread.shares.active || !pipeline_.backends().has_audience()) return;
  auto slot = static_cast<uint32_t>(thread.slot);
  auto waits = share->waiting_call(slot);
  if (!waits || !thread.calls.calls().empty()) return;
  if (pipeline_.clock().nanoseconds(waits->tsc) + kWaits > TickClock::now()) return;
  auto places = record_of(waits->scope, waits->tsc);
  digest(thread, places);
}

// The calls up to this one, which the shim would have told of together with its syscall.
void Tracer::report_calls_up_to(Thread& thread, uint64_t seq) {
  auto scopes = share_of(thread)->scopes(static_cast<uint32_t>(thread.slot));
  auto own = std::find_if(scopes.begin(), scopes.end(),
                          [&](const wc_scope& scope) { return scope.seq == seq; });
  if (own != scopes.end())
    report_calls(thread, scopes.first(static_cast<size_t>(own - scopes.begin()) + 1), true);
}

// Engine inproc: a syscall that the shim has not recorded.
void Tracer::report_pending(Thread& thread, const wc_pending& one, uint32_t flags, uint64_t ret,
                            uint64_t end) {
  report_calls_up_to(thread, one.seq);
  wc_record places[3] = {{one.seq, ret, end, WC_RECORD_SYSCALL | flags | 3u << 16, 0}};
  wc_record_body body{one.tsc, one.nr, 0, {}};
  std::copy(std::begin(one.args), std::end(one.args), body.args);
  std::memcpy(places + 1, &body, sizeof body);
  RecordView view;
  if (RecordReader reader(places); reader.next(view))
    pipeline_.record(thread.source(), view, nullptr);
}

// What the thread waited in when it ended.
void Tracer::end_pending(Thread& thread) {
  ProcessShare* share = share_of(thread);
  bool own = share != nullptr && !thread.shares.active;
  if (!own || !(options_.config & WC_CONFIG_IN_PROCESS)) return;
  for (const wc_pending& one : share->take_all_pending(static_cast<uint32_t>(thread.slot)))
    report_pending(thread, one, one.end != 0 ? 0 : WC_RECORD_NO_RESULT, one.ret,
                   one.end != 0 ? one.end : __builtin_ia32_rdtsc());
}

// A thin call's syscall has come back, and something else comes before the call's return.
void Tracer::complete_thin(Thread& thread) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr || thread.shares.active) return;
  auto slot = static_cast<uint32_t>(thread.slot);
  if (auto done = share->take_pending(slot, ProcessShare::Pending::Returned))
    report_pending(thread, *done, 0, done->ret, done->end);
}

// A signal comes in a syscall, or between its return and its record. What the handler does comes
// later.
void Tracer::complete_pending(Thread& thread, const user_regs_struct& regs) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr || thread.shares.active) return;
  complete_thin(thread);
  auto slot = static_cast<uint32_t>(thread.slot);
  auto ret = static_cast<int64_t>(regs.rax);
  bool is_back = regs.rip == thread.process->shim.site_return && !is_restart(ret);
  if (share->pending(slot)) take_stack(thread, regs);
  if (auto one = is_back ? share->take_pending(slot, ProcessShare::Pending::Any) : std::nullopt)
    report_pending(thread, *one, 0, regs.rax, __builtin_ia32_rdtsc());
  else if (auto waits = share->pending(slot))
    report_calls_up_to(thread, waits->seq);
}

}  // namespace wc
