#include "text_thread.h"

#include <algorithm>

namespace wc::backends {

namespace {
// A block that was large once must not keep its memory for the life of the thread.
constexpr size_t kKeepBytes = size_t{16} << 10;
}  // namespace

void TextThread::add_call(const TextLine& line, uint64_t id) {
  calls_.push_back({id, lines_.size()});
  lines_.push_back(line);
}

size_t TextThread::end_innermost(const TextEnd& end) {
  const size_t index = calls_.back().line;
  TextLine& line = lines_[index];
  const auto append = [this](std::string_view text) {
    const size_t start = mark();
    bytes_ += text;
    return range(start);
  };
  if (!end.head.empty()) line.head = append(end.head);
  line.tail = append(end.tail);
  line.durations = append(end.duration);
  line.has_failed = end.has_failed;
  line.is_open = false;
  calls_.pop_back();
  return index;
}

std::optional<size_t> TextThread::end_call(uint64_t id, uint32_t depth, const TextEnd& end,
                                           std::string_view skipped_tail) {
  const TextEnd skipped{.tail = skipped_tail};
  const bool is_held = std::any_of(calls_.rbegin(), calls_.rend(),
                                   [id](const OpenCall& call) { return call.id == id; });
  if (!is_held) {
    while (!calls_.empty() && lines_[calls_.back().line].depth > depth) end_innermost(skipped);
    return std::nullopt;
  }
  while (calls_.back().id != id) end_innermost(skipped);
  return end_innermost(end);
}

void TextThread::clear() {
  calls_.clear();
  lines_.clear();
  bytes_.clear();
  if (bytes_.capacity() > kKeepBytes) {
    bytes_.shrink_to_fit();
    lines_.shrink_to_fit();
  }
}

}  // namespace wc::backends
