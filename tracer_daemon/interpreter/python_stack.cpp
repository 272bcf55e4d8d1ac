#include "interpreter/python_stack.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "interpreter/line_numbers.h"
#include "interpreter/python_text.h"
#include "interpreter/remote_block.h"

namespace wc {
namespace {

constexpr int kMaxInterpreters = 256;
constexpr int kMaxThreads = 20'000;
constexpr size_t kMaxRuns = 4096;
constexpr size_t kMaxLineTable = size_t{1} << 20;

// Reads the lists of one interpreter process, link by link.
class StateReader {
 public:
  StateReader(TraceeMemory& memory, const PythonLayout& layout, const PythonThread& thread)
      : memory_(memory), layout_(layout), thread_(thread) {}

  // Addresses of the thread's innermost _PyCFrames: one, or one for each interpreter that it is in.
  std::vector<uint64_t> runs_of_thread(uint64_t runtime);
  PythonRun read_run(const RemoteBlock& run, uint64_t place, size_t most);

 private:
  void look_at_threads(uint64_t first);
  std::optional<PythonFrame> read_frame(const RemoteBlock& frame);
  struct Code {
    std::string function, file;
    uint32_t first_line = 0;
    std::vector<uint8_t> lines;  // empty: could not be read
  };
  std::optional<Code> read_code(uint64_t at);
  std::vector<uint8_t> read_line_table(uint64_t at);

  TraceeMemory& memory_;
  const PythonLayout& layout_;
  const PythonThread& thread_;
  int threads_seen_ = 0;
  // By address, of this stack only: a function that is running keeps its code, and recursion and
  // nested imports have the same few again and again.
  std::unordered_map<uint64_t, std::optional<Code>> codes_;
  std::vector<uint64_t> certain_, by_place_, by_id_;
};

// A thread is known by where its loop runs, on the stack that it stands on, and by its id. The id
// is another one in a child of fork(2) that has not come to update it, and in another PID
// namespace; the place is not known where the C stack could not be read so far.
void StateReader::look_at_threads(uint64_t first) {
  for (uint64_t at = first; at != 0 && threads_seen_ < kMaxThreads; threads_seen_++) {
    const auto state = RemoteBlock::read(memory_, at, layout_.thread.size);
    if (!state) return;
    const uint64_t run = state->word(layout_.thread.eval);
    const bool is_here = run >= thread_.stack_begin && run < thread_.stack_end;
    const bool has_id =
        thread_.native_id != 0 && state->word(layout_.thread.native_id) == thread_.native_id;
    if (is_here && has_id)
      certain_.push_back(run);
    else if (is_here)
      by_place_.push_back(run);
    else if (has_id)
      by_id_.push_back(run);
    at = state->word(layout_.thread.next);
  }
}

std::vector<uint64_t> StateReader::runs_of_thread(uint64_t runtime) {
  const size_t head = layout_.runtime.interpreters;
  const auto state = RemoteBlock::read(memory_, runtime, head + sizeof(uint64_t));
  uint64_t at = state ? state->word(head) : 0;
  for (int i = 0; at != 0 && i < kMaxInterpreters; i++) {
    const size_t size = std::max(layout_.interpreter.next, layout_.interpreter.threads);
    const auto interpreter = RemoteBlock::read(memory_, at, size + sizeof(uint64_t));
    if (!interpreter) break;
    look_at_threads(interpreter->word(layout_.interpreter.threads));
    at = interpreter->word(layout_.interpreter.next);
  }
  if (!certain_.empty()) return certain_;
  return by_place_.empty() ? by_id_ : by_place_;
}

std::vector<uint8_t> StateReader::read_line_table(uint64_t at) {
  const RemoteBlock head = RemoteBlock::read_beginning(memory_, at);
  const uint64_t size = head.word(layout_.bytes.count);
  if (head.size() < layout_.bytes.data || size > kMaxLineTable) return {};
  std::vector<uint8_t> table(size);
  if (!head.copy(layout_.bytes.data, table.data(), size) &&
      !memory_.read_all({at + layout_.bytes.data}, table.data(), size))
    return {};
  return table;
}

std::optional<StateReader::Code> StateReader::read_code(uint64_t at) {
  const auto code = RemoteBlock::read(memory_, at, layout_.code.size);
  if (!code) return std::nullopt;
  auto function = read_python_text(memory_, layout_, code->word(layout_.code.name));
  auto file = read_python_text(memory_, layout_, code->word(layout_.code.file));
  if (!function || !file) return std::nullopt;
  return Code{std::move(*function), std::move(*file), code->half(layout_.code.first_line),
              read_line_table(code->word(layout_.code.lines))};
}

std::optional<PythonFrame> StateReader::read_frame(const RemoteBlock& frame) {
  const uint64_t at = frame.word(layout_.frame.code);
  auto known = codes_.find(at);
  if (known == codes_.end()) known = codes_.emplace(at, read_code(at)).first;
  if (!known->second) return std::nullopt;
  const Code& code = *known->second;
  constexpr int64_t kUnit = 2;
  const auto offset = static_cast<int64_t>(frame.word(layout_.frame.instruction) -
                                           (at + layout_.code.instructions));
  return PythonFrame{code.function, code.file,
                     python_line(code.lines, code.first_line, offset < 0 ? -1 : offset / kUnit)};
}

PythonRun StateReader::read_run(const RemoteBlock& run, uint64_t place, size_t most) {
  PythonRun found{.place = place};
  uint64_t at = run.word(layout_.eval.frame);
  while (found.frames.size() < most) {
    const auto frame = RemoteBlock::read(memory_, at, layout_.frame.size);
    if (!frame) return found;
    auto shown = read_frame(*frame);
    if (!shown) return found;
    found.frames.push_back(std::move(*shown));
    if (frame->byte(layout_.frame.is_entry) != 0) {
      found.is_whole = true;
      return found;
    }
    at = frame->word(layout_.frame.previous);
  }
  return found;
}

}  // namespace

std::vector<PythonRun> read_python_stack(TraceeMemory& memory, const PythonLayout& layout,
                                         uint64_t runtime, const PythonThread& thread,
                                         size_t most) {
  StateReader reader(memory, layout, thread);
  std::vector<uint64_t> innermost = reader.runs_of_thread(runtime);
  // Of interpreters within one another the inner one has the lower place.
  std::ranges::sort(innermost);
  const auto twice = std::ranges::unique(innermost);
  innermost.erase(twice.begin(), twice.end());
  std::vector<PythonRun> runs;
  size_t frames = 0;
  size_t steps = 0;
  for (uint64_t at : innermost) {
    while (at != 0 && steps++ < kMaxRuns && frames < most) {
      const auto run = RemoteBlock::read(memory, at, layout.eval.size);
      if (!run) break;
      // In the outermost, the thread's own, no function runs. Those below the stack that is asked
      // for have begun later.
      if (run->word(layout.eval.frame) != 0 && at >= thread.stack_begin) {
        runs.push_back(reader.read_run(*run, at, most - frames));
        frames += runs.back().frames.size();
      }
      at = run->word(layout.eval.previous);
    }
  }
  return runs;
}

}  // namespace wc
