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

void TextThread::end_innermost(std::string_view head, std::string_view tail) {
  TextLine& line = lines_[calls_.back().line];
  size_t start = mark();
  if (!head.empty()) {
    bytes_ += head;
    line.head = range(start);
    start = mark();
  }
  bytes_ += tail;
  line.tail = range(start);
  line.open = false;
  calls_.pop_back();
}

bool TextThread::end_call(uint64_t id, uint32_t depth, std::string_view head, std::string_view tail,
                          std::string_view skipped_tail) {
  const bool is_held = std::any_of(calls_.rbegin(), calls_.rend(),
                                   [id](const OpenCall& call) { return call.id == id; });
  if (is_held) {
    while (calls_.back().id != id) end_innermost({}, skipped_tail);
    end_innermost(head, tail);
  } else {
    while (!calls_.empty() && lines_[calls_.back().line].depth > depth)
      end_innermost({}, skipped_tail);
  }
  return is_held;
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
