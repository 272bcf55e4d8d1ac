#include "recording/thread_records.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "events/call_frames.h"

namespace wc {
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

constexpr uint64_t kWaits =
    100'000'000;  // nanoseconds after which a syscall that waits is announced

}  // namespace

size_t ThreadRecords::drain(Thread& thread, uint64_t sp) {
  ProcessShare* share = thread.share();
  if (share == nullptr) {
    if (!thread.breaks.empty()) scopes_.drop_left_syscalls(thread, sp);
    return 0;
  }
  // In this order: a syscall on the landing pad is complete before its call's record is written,
  // and the thread may be running.
  auto slot = thread.slot_index();
  bool has_audience = run_.pipeline.backends().demand().has_audience && scopes_.is_reported(thread);
  if (!has_audience && thread.calls.calls().empty()) {
    size_t found = share->rings().discard(share->slot(slot));
    complete_landed(thread);
    return found;
  }
  auto records = share->rings().drain(share->slot(slot));
  if (share->rings().found_impossible()) on_corrupt_ring(thread);
  complete_landed(thread);
  scopes_.drop_left_syscalls(thread, sp);
  digest(thread, records);
  return records.size();
}

// Rings have one writer and one reader: looking while the threads run is allowed.
size_t ThreadRecords::drain_running(const Tracees& tracees) {
  size_t found = 0;
  for (const auto& [tid, thread] : tracees.threads) {
    thread->process->memory.forget();  // what was read at its last stop is old
    found += drain(*thread, 0);
  }
  return found;
}

std::optional<std::span<const wc_record>> ThreadRecords::take_full(Thread& thread, uint32_t slot,
                                                                   uint64_t sp) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.slot != static_cast<int>(slot) || thread.shares.active ||
      std::exchange(share->slot(slot).wants_room, 0u) == 0)
    return std::nullopt;
  complete_landed(thread);
  scopes_.drop_left_syscalls(thread, sp);
  const bool is_wanted =
      (run_.pipeline.backends().demand().has_audience && scopes_.is_reported(thread)) ||
      !thread.calls.calls().empty();
  if (!is_wanted) {
    share->rings().discard(share->slot(slot));
    return std::span<const wc_record>();
  }
  auto records = share->rings().drain(share->slot(slot));
  if (share->rings().found_impossible()) on_corrupt_ring(thread);
  return records;
}

void ThreadRecords::digest(Thread& thread, std::span<const wc_record> records) {
  if (records.empty()) return report_dropped(thread);
  const bool says_busy = run_.options.config & WC_CONFIG_DROP;
  uint32_t& busy = thread.share()->header().busy;
  if (says_busy) __atomic_store_n(&busy, 1u, __ATOMIC_RELEASE);
  RecordReader reader(records);
  EventSource source = thread.source();
  source.stack.reset();  // the thread has run since
  bool whole = true;
  RecordView view, next;
  for (bool more = reader.next(view); more; view = next) {
    more = reader.next(next);
    view.is_left = (view.head.type & WC_RECORD_NO_RESULT) != 0;
    if (view.type == WC_RECORD_RETURN || view.type == WC_RECORD_UNWOUND)
      scopes_.end_syscalls_from(thread, thread.calls.position(view.head.seq));
    whole = run_.pipeline.record(source, view, more ? &next : nullptr) && whole;
  }
  // A thread that was killed may have been writing.
  if ((reader.corrupt() || !whole) && !thread.ended) on_corrupt_ring(thread);
  if (says_busy) __atomic_store_n(&busy, 0u, __ATOMIC_RELEASE);
  report_dropped(thread);
}

// The program has written over its ring: what was in it is lost, the rest is read.
void ThreadRecords::on_corrupt_ring(Thread& thread) {
  run_.pipeline.lost(thread.process->pid, 1);
  if (std::exchange(thread.process->said_corrupt, true)) return;
  run_.say(0,
           "process " + std::to_string(thread.process->pid) +
               " has overwritten the memory that it shares with the tracer; events of it are lost");
}

void ThreadRecords::complete_landed(Thread& thread) {
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.begin(), inflight.end(),
                         [](const Inflight& one) { return one.landing; });
  ProcessShare* share = thread.share();
  if (at == inflight.end() || share == nullptr) return;
  wc_slot& slot = share->slot(thread.slot_index());
  if (__atomic_load_n(&slot.landing_done, __ATOMIC_ACQUIRE) == 0) return;
  Inflight done = std::move(*at);
  inflight.erase(at);
  if (done.syscall.reported)
    run_.pipeline.syscall_exit(thread.source(), done.syscall,
                               static_cast<int64_t>(slot.landing_ret),
                               run_.pipeline.clock().nanoseconds(slot.landing_tsc));
}

void ThreadRecords::complete_thin(Thread& thread) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.shares.active) return;
  auto slot = thread.slot_index();
  if (auto done = share->view(slot).take_pending(SlotView::Pending::Returned))
    report_pending(thread, *done, 0, done->ret, done->end);
}

// What the handler does comes later.
void ThreadRecords::complete_pending(Thread& thread, const user_regs_struct& regs) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.shares.active) return;
  complete_thin(thread);
  auto slot = thread.slot_index();
  auto ret = static_cast<int64_t>(regs.rax);
  bool is_back = regs.rip == thread.process->shim.site_return && !is_restart(ret);
  if (share->view(slot).pending()) stacks_.take(thread, regs);
  if (auto one = is_back ? share->view(slot).take_pending(SlotView::Pending::Any) : std::nullopt)
    report_pending(thread, *one, 0, regs.rax, __builtin_ia32_rdtsc());
  else if (auto waits = share->view(slot).pending())
    report_calls_up_to(thread, waits->seq);
}

// The thread is asleep, or may run at any moment:
// what is seen counts if nothing has changed meanwhile, and the record that comes after all
// repeats it.
void ThreadRecords::announce_waiting(Thread& thread) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.shares.active || !run_.pipeline.backends().demand().has_audience)
    return;
  auto slot = thread.slot_index();
  const uint32_t functions = share->layout().function_count;
  auto waits = share->view(slot).waiting_call(functions);
  if (!waits || !thread.calls.calls().empty()) return;
  if (run_.pipeline.clock().nanoseconds(waits->tsc) + kWaits > TickClock::now()) return;
  EventSource source = thread.source();
  if (run_.pipeline.wants_stacks())
    if (auto registers = caller_registers(source, waits->scope))
      source.stack = run_.pipeline.unwind(source, *registers);
  if (auto still = share->view(slot).waiting_call(functions);
      !still || still->scope.seq != waits->scope.seq)
    return;  // what was unwound was being written to
  auto places = record_of(waits->scope, waits->tsc);
  RecordReader reader(places);
  if (RecordView view; reader.next(view)) run_.pipeline.record(source, view, nullptr);
}

// --overflow=drop: what found no room since the last look.
void ThreadRecords::report_dropped(Thread& thread) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.shares.active) return;
  uint64_t dropped = __atomic_load_n(&share->slot(thread.slot_index()).dropped, __ATOMIC_RELAXED);
  if (uint64_t fresh = dropped - std::exchange(thread.dropped, dropped); fresh != 0)
    run_.pipeline.lost(thread.process->pid, fresh);
}

void ThreadRecords::report_too_deep(Thread& thread) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.shares.active || !scopes_.is_reported(thread)) return;
  uint32_t& overflow = share->slot(thread.slot_index()).overflow;
  if (uint32_t count = __atomic_exchange_n(&overflow, 0u, __ATOMIC_RELAXED); count != 0)
    run_.pipeline.lost(thread.process->pid, count);
}

// The calls up to this one, which the shim would have recorded together with its syscall.
void ThreadRecords::report_calls_up_to(Thread& thread, uint64_t seq) {
  auto scopes = thread.share()->scopes(thread.slot_index());
  auto own = std::find_if(scopes.begin(), scopes.end(),
                          [&](const wc_scope& scope) { return scope.seq == seq; });
  if (own != scopes.end())
    scopes_.report_calls(thread, scopes.first(static_cast<size_t>(own - scopes.begin()) + 1),
                         ReportedFor::Syscall);
}

// Engine inproc: a syscall that the shim has not recorded.
void ThreadRecords::report_pending(Thread& thread, const wc_pending& one, uint32_t flags,
                                   uint64_t ret, uint64_t end) {
  report_calls_up_to(thread, one.seq);
  wc_record places[3] = {{one.seq, ret, end, WC_RECORD_SYSCALL | flags | 3u << 16, 0}};
  wc_record_body body{one.tsc, one.nr, 0, {}};
  std::copy(std::begin(one.args), std::end(one.args), body.args);
  std::memcpy(places + 1, &body, sizeof body);
  RecordView view;
  if (RecordReader reader(places); reader.next(view))
    run_.pipeline.record(thread.source(), view, nullptr);
}

// What the thread waited in when it ended.
void ThreadRecords::end_pending(Thread& thread) {
  ProcessShare* share = thread.share();
  bool own = share != nullptr && !thread.shares.active;
  if (!own || !(run_.options.config & WC_CONFIG_IN_PROCESS)) return;
  for (const wc_pending& one : share->view(thread.slot_index()).take_all_pending())
    report_pending(thread, one, one.end != 0 ? 0 : WC_RECORD_NO_RESULT, one.ret,
                   one.end != 0 ? one.end : __builtin_ia32_rdtsc());
}

void ThreadRecords::end_inflight(Thread& thread) {
  complete_landed(thread);
  while (!thread.inflight.empty()) {
    Inflight last = std::move(thread.inflight.back());
    thread.inflight.pop_back();
    if (last.syscall.reported) run_.pipeline.syscall_ended(thread.source(), last.syscall);
  }
}

void ThreadRecords::end_scopes(Thread& thread) {
  end_inflight(thread);
  drain(thread, 0);
  thread.ended = true;
  if (ProcessShare* share = thread.share(); share != nullptr && !thread.shares.active)
    share->view(thread.slot_index()).publish_all();
  drain(thread, 0);
  end_pending(thread);
  report_too_deep(thread);
  thread.ended = false;
  scopes_.drop_missing(thread, {});
  while (!thread.breaks.empty()) scopes_.pop_break(thread);
}

}  // namespace wc
