// The lines of one thread that wait to be printed.
//
// The line of a call stands before those of its syscalls, but shows a value that is known
// only after them. So the lines of a call are held back until it returns (a block). A block
// that cannot wait is printed as it is, its open calls as "<unfinished ...>"; they are
// forgotten then, and their returns get lines of their own. A call that is entered after that
// starts a block of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wc::backends {

// Parts of one line, as ranges of the block's bytes. What stands around them (prefix,
// indentation, alignment) is added when the line is printed.
struct TextLine {
  struct Range {
    size_t from = 0;
    size_t size = 0;
  };
  uint64_t ts = 0;
  uint32_t depth = 0;  // levels of indentation
  Range head;
  Range tail;         // result of a call, known later than the head
  Range caller;       // "<main+0x1c at hello.c:7>", or empty
  bool open = false;  // a call without its result
  bool bare = false;  // without prefix: a frame of a stack
};

class TextThread {
 public:
  explicit TextThread(int32_t pid) : pid_(pid) {}

  [[nodiscard]] int32_t pid() const { return pid_; }
  [[nodiscard]] std::span<const TextLine> lines() const { return lines_; }
  // True while the lines wait for the result of a call among them.
  [[nodiscard]] bool is_held() const { return !calls_.empty(); }
  // Memory in use by the lines.
  [[nodiscard]] size_t size() const { return bytes_.size() + lines_.size() * sizeof(TextLine); }

  // The text of a line or of a part of one is appended to bytes(), between mark() and
  // range(mark).
  std::string& bytes() { return bytes_; }
  [[nodiscard]] size_t mark() const { return bytes_.size(); }
  [[nodiscard]] TextLine::Range range(size_t mark) const { return {mark, bytes_.size() - mark}; }
  [[nodiscard]] std::string_view text(TextLine::Range range) const {
    return std::string_view(bytes_).substr(range.from, range.size);
  }

  void add(const TextLine& line) { lines_.push_back(line); }
  void add_call(const TextLine& line, uint64_t id);

  // Writes `tail` into the line of call `id`, and `head` unless it is empty. Calls above it on the
  // stack that nobody saw return get `skipped_tail`. False when the call is not held; then those
  // held calls that must have been inside of it, at greater depth than `depth`, are the skipped
  // ones.
  bool end_call(uint64_t id, uint32_t depth, std::string_view head, std::string_view tail,
                std::string_view skipped_tail);

  // A syscall outside of every call that has not come back: its line waits for the result, unless
  // another thread's line comes first.
  struct Pending {
    bool is_printed = false;  // as <unfinished ...>
    uint64_t ts = 0;
    std::string args;  // as far as they were known
    std::string name;
  };
  std::optional<Pending> pending;

  // After printing.
  void clear();

 private:
  struct OpenCall {
    uint64_t id;
    size_t line;  // index into lines_
  };
  void end_innermost(std::string_view head, std::string_view tail);

  int32_t pid_;
  std::string bytes_;
  std::vector<TextLine> lines_;
  std::vector<OpenCall> calls_;
};

}  // namespace wc::backends
