#include "interpreter/merge.h"

#include <algorithm>
#include <iterator>

namespace wc {
namespace {

StackFrame shown(PythonFrame&& frame) {
  StackFrame one;
  one.at.symbol = std::move(frame.function);
  one.at.file = std::move(frame.file);
  one.at.line = frame.line;
  return one;
}

void append(Stack& stack, PythonRun& run) {
  for (PythonFrame& frame : run.frames) stack.push_back(shown(std::move(frame)));
}

bool contains(const StackFrame& frame, uint64_t place) {
  return !frame.is_hidden && frame.sp <= place && place < frame.end;
}

}  // namespace

Stack merge(Stack native, std::vector<PythonRun> runs, StackEnd end) {
  Stack stack;
  auto next = runs.begin();
  for (StackFrame& frame : native) {
    const auto here = std::find_if(
        next, runs.end(), [&](const PythonRun& run) { return contains(frame, run.place); });
    if (here == runs.end()) {
      stack.push_back(std::move(frame));
      continue;
    }
    // The unwinder has passed over the C frames of those before it.
    for (; next != here; ++next) append(stack, *next);
    const size_t first = stack.size();
    append(stack, *here);
    if (here->is_whole && !here->frames.empty()) {
      // They have the C frame's place: it begins with the first and ends with the last.
      stack[first].sp = stack.back().sp = frame.sp;
      stack.back().end = frame.end;
    } else {
      stack.push_back(std::move(frame));
    }
    next = std::next(here);
  }
  if (end == StackEnd::Reached)
    for (; next != runs.end(); ++next) append(stack, *next);
  return stack;
}

}  // namespace wc
