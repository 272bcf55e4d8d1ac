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
  enum class Kind : uint8_t { Note, Call, Syscall, Frame };  // Frame: of a stack, without prefix

  uint64_t ts = 0;
  uint32_t depth = 0;  // levels of indentation
  uint32_t name = 0;   // how many bytes of the head are the name of a function
  Kind kind = Kind::Note;
  bool is_open = false;       // a call without its result
  bool is_hidden = false;     // says what another line says already
  bool has_failed = false;    // its result is an error
  bool is_in_signal = false;  // a syscall of a signal handler
  Range head;
  Range tail;       // ") = 3": result of a call, known later than the head
  Range durations;  // " <0.000042>", of a merged line that of the call and that of the syscall
  Range caller;     // "<main+0x1c at hello.c:7>", or empty
};

// How a call has ended.
struct TextEnd {
  std::string_view head;  // the arguments as they are now, or empty: as they were
  std::string_view tail;
  std::string_view duration;
  bool has_failed = false;
};

class TextThread {
 public:
  explicit TextThread(int32_t pid) : pid_(pid) {}

  [[nodiscard]] int32_t pid() const { return pid_; }
  [[nodiscard]] std::span<const TextLine> lines() const { return lines_; }
  [[nodiscard]] std::span<TextLine> lines() { return lines_; }
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

  // Writes `end` into the line of call `id`, which is returned as an index into lines(). Calls
  // above it on the stack that nobody saw return get `skipped_tail`. Nothing when the call is not
  // held; then those held calls that must have been inside of it, at greater depth than `depth`,
  // are the skipped ones.
  std::optional<size_t> end_call(uint64_t id, uint32_t depth, const TextEnd& end,
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
  size_t end_innermost(const TextEnd& end);

  int32_t pid_;
  std::string bytes_;
  std::vector<TextLine> lines_;
  std::vector<OpenCall> calls_;
};

}  // namespace wc::backends
