#include "text_merge.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace wc::backends {

namespace {

using Kind = TextLine::Kind;

// How many frames stand before the next line that is none.
size_t count_frames(std::span<const TextLine> lines) {
  const auto end = std::find_if(lines.begin(), lines.end(),
                                [](const TextLine& line) { return line.kind != Kind::Frame; });
  return static_cast<size_t>(end - lines.begin());
}

bool has_the_same_words(const TextThread& lines, const TextLine& call, const TextLine& syscall) {
  return lines.text(call.tail) == lines.text(syscall.tail) &&
         lines.text(call.head) == lines.text(syscall.head);
}

// Whether the stack of the syscall ends with that of the call.
bool continues(const TextThread& lines, std::span<const TextLine> inner,
               std::span<const TextLine> outer) {
  if (inner.size() < outer.size()) return false;
  const auto is_same = [&](const TextLine& a, const TextLine& b) {
    return lines.text(a.head) == lines.text(b.head);
  };
  return std::ranges::equal(inner.last(outer.size()), outer, is_same);
}

void append_duration_of(TextThread& lines, TextLine& call, const TextLine& syscall) {
  if (syscall.durations.size == 0) return;
  std::string& bytes = lines.bytes();
  const size_t mark = lines.mark();
  bytes.reserve(bytes.size() + call.durations.size + syscall.durations.size);
  bytes += lines.text(call.durations);
  bytes += lines.text(syscall.durations);
  call.durations = lines.range(mark);
}

}  // namespace

void merge_syscall(TextThread& lines, size_t call_at) {
  const std::span<TextLine> block = lines.lines().subspan(call_at);
  TextLine& call = block.front();
  const auto call_frames = block.subspan(1, count_frames(block.subspan(1)));
  const auto behind = block.subspan(1 + call_frames.size());
  if (behind.empty()) return;

  TextLine& syscall = behind.front();
  const bool is_of_call = syscall.kind == Kind::Syscall && syscall.depth == call.depth + 1;
  if (!is_of_call || syscall.is_in_signal) return;
  const auto frames = behind.subspan(1, count_frames(behind.subspan(1)));
  // Signals and the like may follow, but nothing else that the call has done.
  const auto rest = behind.subspan(1 + frames.size());
  const bool is_only_one =
      std::ranges::all_of(rest, [](const TextLine& line) { return line.kind == Kind::Note; });
  if (!is_only_one || !has_the_same_words(lines, call, syscall) ||
      !continues(lines, frames, call_frames))
    return;

  append_duration_of(lines, call, syscall);
  syscall.is_hidden = true;
  for (TextLine& frame : call_frames) frame.is_hidden = true;
  for (TextLine& frame : frames) frame.depth = call.depth;
}

}  // namespace wc::backends
