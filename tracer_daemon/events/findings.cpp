// What the pipeline finds out, as findings of the entry that is open.
#include "events/taping.h"

namespace wc {
namespace {

TapedFrame taped(const StackFrame& frame) {
  TapedFrame one;
  one.ip = frame.ip;
  one.sp = frame.sp;
  one.end = frame.end;
  one.flags = static_cast<uint8_t>(frame.is_hidden | frame.is_exact << 1 | (frame.ip == 0) << 2);
  if (frame.ip == 0)
    one.symbol = frame.at.symbol, one.file = frame.at.file, one.line = frame.at.line;
  return one;
}

TapedValue taped(const TypedValue& value) {
  const auto flags =
      static_cast<uint8_t>(value.shown.is_string | value.shown.is_open << 1 | TapedValue::kIsThere);
  return {value.shown.text, value.shown.data, flags, static_cast<uint8_t>(value.kind), value.word};
}

}  // namespace

void put_frames(TapeWriter& writer, const Stack& stack) {
  uint64_t count = stack.size();
  writer.number(count);
  for (const StackFrame& frame : stack) {
    TapedFrame one = taped(frame);
    one.fields(writer, --count);
  }
}

void tape_arguments(Tape& tape, const EventSource& source, const wc_scope& scope) {
  const auto typed = source.arguments_of(scope);
  if (typed == nullptr) return;
  tape.find(Finding::Arguments, [&](TapeWriter& writer) {
    uint64_t seq = scope.seq, more = typed->has_more, count = typed->values.size();
    writer.number(seq);
    writer.number(more);
    writer.number(count);
    for (const TypedValue& value : typed->values) {
      TapedValue one = taped(value);
      one.fields(writer);
    }
  });
}

void tape_moment(Tape& tape, uint64_t now) {
  tape.find(Finding::Moment, [&](TapeWriter& writer) { writer.time(now); });
}

void tape_stack(Tape& tape, const Stack* stack) {
  tape.find(Finding::Frames, [&](TapeWriter& writer) {
    uint64_t is_there = stack != nullptr;
    writer.number(is_there);
    if (stack != nullptr) put_frames(writer, *stack);
  });
}

void tape_value(Tape& tape, const std::optional<TypedValue>& value) {
  TapedValue one = value ? taped(*value) : TapedValue{};
  tape.find(Finding::Value, [&](TapeWriter& writer) { one.fields(writer); });
}

void tape_stopped(Tape& tape) {
  tape.find(Finding::Stopped, [](TapeWriter&) {});
}

void tape_in_handler(Tape& tape) {
  tape.find(Finding::InHandler, [](TapeWriter&) {});
}

}  // namespace wc
