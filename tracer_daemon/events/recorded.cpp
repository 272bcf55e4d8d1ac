// What engine inproc has recorded, as calls and syscalls.
#include <algorithm>

#include "events/pipeline.h"
#include "events/taping.h"

namespace wc {
namespace {

// Where the call that the record tells of was made.
std::optional<uint64_t> caller_of(const RecordView& view) {
  if (view.has_call) return view.call.caller;
  return view.type == WC_RECORD_CALL ? std::optional(view.head.ret) : std::nullopt;
}

}  // namespace

bool Pipeline::recorded_call(const EventSource& source, const RecordView& view) {
  wc_scope scope{};
  scope.seq = view.head.seq;
  // It is if it was reported while its syscall was still running, or by a handler that came while
  // the thread was about to.
  const bool is_open = source.calls->position(scope.seq) != source.calls->calls().size();
  if (is_open) return true;
  uint32_t depth = 0;
  if (view.has_call) {
    scope.sp = view.call.sp;
    scope.caller = view.call.caller;
    scope.function = view.call.function;
    scope.tsc = view.body.place;
    depth = view.call.depth;
    std::copy(view.call_args.begin(), view.call_args.end(), scope.args);
  } else {
    scope.sp = view.body.place;
    scope.caller = view.head.ret;
    scope.function = view.body.what;
    scope.tsc = view.head.tsc;
    depth = static_cast<uint32_t>(view.head.error);
    std::copy(std::begin(view.body.args), std::end(view.body.args), scope.args);
  }
  bool known = source.table != nullptr &&
               (scope.function < source.table->functions.size() || source.own_row(scope.function));
  if (!known || depth >= WC_MAX_SCOPES) return false;
  for (EndedCall& end : source.calls->leave(depth)) ended(source, end);
  if (source.is_off(scope.function)) {
    source.calls->leave_out(scope.seq);
    return true;
  }
  open_call(source, scope, scope.tsc, CallAudience::kEveryone);
  return true;
}

bool Pipeline::recorded_syscall(const EventSource& source, const RecordView& view) {
  const wc_record_body& body = view.body;
  if (source.calls->is_left_out(view.head.seq) || !reports(body.what)) return true;
  const auto& open = source.calls->calls();
  if (body.what >= WC_PLANNED_SYSCALLS || open.empty() || open.back().seq != view.head.seq)
    return false;
  PendingSyscall& syscall = recorded_;
  syscall.reset();
  syscall.nr = body.what;
  syscall.ts = body.place;
  syscall.in_signal = journal_.is_in_handler(*source.calls);
  std::copy(std::begin(body.args), std::end(body.args), syscall.args);
  syscall_enter(source, syscall);
  if (view.head.type & WC_RECORD_NO_RESULT) {
    syscall_ended(source, syscall);
    return true;
  }
  syscall_exit(source, syscall, static_cast<int64_t>(view.head.ret),
               std::max(syscall.ts, view.head.tsc));
  return true;
}

bool Pipeline::record(EventSource source, const RecordView& seen, const RecordView* next) {
  RecordView view = seen;
  view.head.tsc = clock_.nanoseconds(seen.head.tsc);
  if (view.type == WC_RECORD_SYSCALL || view.type == WC_RECORD_CALL_SYSCALL)
    view.body.place = clock_.nanoseconds(seen.body.place);
  const TapeEntry entry(tape_.get(), TapeOp::Record, source.pid, source.tid, source.calls);
  std::optional<TapedMemory> taped;
  if (entry) {
    tape_record(*tape_, source, view, next);
    // A replay may ask for the caller where nobody does now.
    if (const auto caller = caller_of(view); caller && tape_->is_new_place(source.pid, *caller))
      symbols_.code_at(source.pid, *caller - 1);
    source.memory = &taped.emplace(*source.memory, *tape_);
  }
  only_taped_ = entry && !backends_.demand().is_heard && !wants_stacks();
  const bool is_whole = digest(source, view, next);
  only_taped_ = false;
  return is_whole;
}

bool Pipeline::digest(EventSource& source, const RecordView& view, const RecordView* next) {
  CapturedMemory memory(view, *source.memory);
  source.is_recorded = true;
  // Before the piece of a call's first syscall is at hand: both are stacks.
  if (view.head.type & WC_RECORD_STACK && wants_stacks())
    source.stack = journal_.stack([&]() -> std::shared_ptr<const Stack> {
      const auto found = memory.stack_registers();
      if (!found) return nullptr;
      EventSource captured = source;
      captured.memory = &memory;
      return unwind(captured, StackRegisters::of(found->ip, found->sp, found->bp));
    });
  // What a call hands on to its first syscall is in the record of that one.
  if (view.type == WC_RECORD_CALL && next != nullptr) memory.add(*next);
  source.memory = &memory;
  std::optional<TapedMemory> taped;
  if (tape_ != nullptr && tape_->is_open() && view.head.type & WC_RECORD_STACK)
    source.memory = &taped.emplace(memory, *tape_);
  if (view.type == WC_RECORD_CALL) return recorded_call(source, view);
  if (view.type == WC_RECORD_CALL_SYSCALL && !recorded_call(source, view)) return false;
  if (view.type != WC_RECORD_RETURN && view.type != WC_RECORD_UNWOUND) {
    if (!recorded_syscall(source, view)) return false;
    if (!view.has_call || !(view.head.type & WC_RECORD_RETURNED)) return true;
  }
  wc_record end_of_call = view.head;
  if (view.has_call)
    end_of_call = {view.head.seq, view.call.value, 0, WC_RECORD_RETURN, view.head.error};
  for (EndedCall& end : source.calls->apply(end_of_call)) ended(source, end);
  return true;
}

}  // namespace wc
