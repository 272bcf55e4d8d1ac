// What engine inproc has recorded, as calls and syscalls.
#include <algorithm>

#include "events/pipeline.h"

namespace wc {

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
  open_call(source, scope, clock_.nanoseconds(scope.tsc), CallAudience::kEveryone);
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
  syscall.ts = clock_.nanoseconds(body.place);
  syscall.in_signal = source.calls->is_in_handler();
  std::copy(std::begin(body.args), std::end(body.args), syscall.args);
  syscall_enter(source, syscall);
  if (view.head.type & WC_RECORD_NO_RESULT) {
    syscall_ended(source, syscall);
    return true;
  }
  syscall_exit(source, syscall, static_cast<int64_t>(view.head.ret),
               std::max(syscall.ts, clock_.nanoseconds(view.head.tsc)));
  return true;
}

// Before the piece of a call's first syscall is at hand: both are stacks.
std::shared_ptr<const Stack> Pipeline::unwind_record(const EventSource& source,
                                                     CapturedMemory& memory) {
  auto found = memory.stack_registers();
  if (!found) return nullptr;
  EventSource captured = source;
  captured.memory = &memory;
  return unwind(captured, StackRegisters::of(found->ip, found->sp, found->bp));
}

bool Pipeline::record(EventSource source, const RecordView& view, const RecordView* next) {
  CapturedMemory memory(view, *source.memory);
  source.is_recorded = true;
  if (view.head.type & WC_RECORD_STACK && wants_stacks())
    source.stack = unwind_record(source, memory);
  // What a call hands on to its first syscall is in the record of that one.
  if (view.type == WC_RECORD_CALL && next != nullptr) memory.add(*next);
  source.memory = &memory;
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
