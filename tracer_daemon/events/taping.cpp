#include "events/taping.h"

#include <algorithm>

#include "events/pipeline.h"

namespace wc {
namespace {

// Without the room that the shim has left behind each.
std::vector<TapedRecord::Capture> captures_of(const RecordView& view) {
  std::vector<TapedRecord::Capture> all;
  const CapturedMemory pieces(view);
  for (const CapturedMemory::Piece& piece : pieces.pieces())
    all.push_back(
        {piece.address, {reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size()}});
  return all;
}

std::string text_or_nothing(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

void tape_record(Tape& tape, const EventSource& source, const RecordView& view,
                 const RecordView* next) {
  TapedRecord record;
  const bool is_call = view.type == WC_RECORD_CALL;
  record.type = static_cast<uint8_t>(view.type);
  record.parts = static_cast<uint8_t>(view.has_body | view.has_call << 1);
  record.head = view.head;
  record.body = view.body;
  record.call = view.call;
  std::ranges::copy(view.call_args, record.call_args);
  // Where a stack is among them, what is read of it stands on the tape in its place.
  if ((view.head.type & WC_RECORD_STACK) == 0) record.captures = captures_of(view);
  if (is_call && next != nullptr && next->has_body) record.next_captures = captures_of(*next);
  tape.put(record);
  tape.stack_at_stop(source);  // where a stop has taken the record's place
  if (is_call || view.has_call)
    tape.function(source, view.has_call ? view.call.function : view.body.what);
}

void tape_scopes(Tape& tape, const EventSource& source, std::span<const wc_scope> scopes,
                 uint8_t flags, size_t known) {
  TapedScopes taped;
  taped.flags = flags;
  taped.scopes.assign(scopes.begin(), scopes.end());
  tape.put(taped);
  for (size_t i = known; i < scopes.size(); i++) {
    tape.function(source, scopes[i].function);
    tape_arguments(tape, source, scopes[i]);
  }
  if (taped.scopes.size() > known || (flags & 1) != 0) tape.stack_at_stop(source);
}

void tape_syscall(Tape& tape, TapeOp op, const EventSource& source, const PendingSyscall& syscall,
                  uint64_t ret, uint64_t ts) {
  TapedSyscall taped;
  taped.id = syscall.on_tape;
  taped.nr = syscall.nr;
  taped.flags = static_cast<uint8_t>(syscall.in_signal | (syscall.ts != 0) << 1);
  taped.ts = ts;
  taped.ret = ret;
  std::ranges::copy(syscall.args, taped.args);
  if (syscall.injected != nullptr || syscall.rule_flags != 0) {
    taped.flags |= TapedSyscall::kRule;
    taped.rule = syscall.rule;
    taped.rule_flags = syscall.rule_flags;
    if (syscall.injected != nullptr) taped.injected = *syscall.injected;
  }
  tape.put(taped, op);
  if (op == TapeOp::Enter) tape.stack_at_stop(source);
}

void tape_process(Tape& tape, wc_process_kind kind, int32_t number, bool thread,
                  std::string_view text, std::string_view more) {
  TapedProcess taped;
  taped.event = kind;
  taped.number = number;
  taped.thread = thread;
  taped.text = text;
  taped.more = more;
  tape.put(taped);
}

void tape_totals(Tape& tape, const FunctionInfo& function, uint64_t calls, uint64_t ns,
                 uint32_t flags) {
  TapedTotals taped{flags, calls, ns, function.name, function.library, {}};
  taped.kind = static_cast<uint8_t>(function.kind);
  tape.put(taped);
}

void tape_lost(Tape& tape, uint64_t count) {
  TapedLost taped{count};
  tape.put(taped);
}

void tape_object(Tape& tape, const wc_object& event, const StackFrame* caller) {
  TapedObject taped;
  taped.event = static_cast<uint8_t>(event.event);
  taped.has = static_cast<uint8_t>((event.how != nullptr) | (event.by != nullptr) << 1 |
                                   (event.build_id != nullptr) << 2 | (event.path != nullptr) << 3);
  taped.base = event.base;
  taped.dur = event.dur;
  taped.path = text_or_nothing(event.path);
  taped.how = text_or_nothing(event.how);
  taped.by = text_or_nothing(event.by);
  taped.build_id = text_or_nothing(event.build_id);
  tape.put(taped);
  if (caller == nullptr) return tape_stack(tape, nullptr);
  const Stack one{*caller};
  tape_stack(tape, &one);
}

// The pipeline's side.
Pipeline::Pipeline(BackendSet backends, DecodeOptions options, const SyscallSet& filter,
                   const StackOptions& stacks, EventFilterOptions events,
                   const Recording& recording)
    : backends_(std::move(backends)),
      events_(std::move(events), backends_),
      options_(options),
      filter_(filter),
      unwinder_(symbols_, stacks.shim_path, stacks.depth),
      interpreters_(stacks.frames),
      depth_(stacks.depth) {
  journal_.clock = &clock_;
  if (recording.answers != nullptr) {
    journal_.answers = recording.answers;
    symbols_.ask(recording.code);
    clock_.play();
    return;
  }
  if (!backends_.wants(WC_WANT_RAW)) return;
  if (recording.flight.most != 0)
    tape_ = std::make_unique<Tape>(std::make_unique<Flight>(recording.flight.most));
  else
    tape_ = std::make_unique<Tape>([this](const wc_raw& chunk) { backends_.raw(chunk); });
  journal_.flight.begin(recording.flight, tape_.get(), recording.head);
  journal_.tape = tape_.get();
  symbols_.watch(tape_.get());
  wc_raw head{};
  head.kind = WC_RAW_RUN;
  head.data = recording.head.data();
  head.size = recording.head.size();
  backends_.raw(head);
}

}  // namespace wc
