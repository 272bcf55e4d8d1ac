#include "events/call_frames.h"

#include <algorithm>

namespace wc {

uint64_t caller_sp_of(const EventSource& source, const wc_scope& scope) {
  return source.own_row(scope.function) ? scope.args[1] : scope.sp + sizeof(uint64_t);
}

std::span<const StackFrame> frames_behind(const Stack& stack, uint64_t sp, uint64_t caller_sp) {
  if (!stack.empty() && stack.front().sp == caller_sp) return stack;
  auto found = std::find_if(stack.begin(), stack.end(), [=](const StackFrame& frame) {
    return frame.sp <= sp && sp < frame.end;
  });
  if (found == stack.end()) return {};
  return std::span(stack).subspan(static_cast<size_t>(found - stack.begin()) + 1);
}

std::optional<StackRegisters> caller_registers(const EventSource& source, const wc_scope& scope) {
  uint64_t frame_pointer = 0;
  if (!source.memory->read_all({scope.sp - sizeof frame_pointer}, &frame_pointer,
                               sizeof frame_pointer))
    return std::nullopt;
  return StackRegisters::of(scope.caller, caller_sp_of(source, scope), frame_pointer);
}

}  // namespace wc
