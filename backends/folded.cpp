// Backend "folded": stacks for flame graphs, one line a stack, outermost frame first and separated
// by semicolons, with a number behind: what flamegraph.pl, inferno and speedscope read.
//
//   ls;main;print_dir;opendir;openat 3
//
// A Python function stands with its file and line: "save (store.py:12)".
// The program's name, the frames that led to the selected function, that function, the system call.
// The frames between the two are left out unless frames=all is asked for. A system call outside of
// every call (full-process mode) has all of its frames.
// Lines are sorted, so that two runs can be compared. Nothing is written before the end: a sum is
// known only then.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "append.h"
#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "frames.h"
#include "names/function_name.h"
#include "sink.h"

namespace wc::backends {

namespace {

// Different stacks that are told apart; those of programs without end are summed up under one name.
constexpr size_t kMaxStacks = size_t{1} << 20;
constexpr std::string_view kOthers = "(more)";

struct FoldedOptions {
  bool weighs_time = false;       // nanoseconds instead of counts
  bool has_inner_frames = false;  // those between a selected function and its system call
};

class FoldedBackend {
 public:
  FoldedBackend(const wc_host& host, FoldedOptions options) : sink_(host), options_(options) {}

  void call(const wc_call& event);
  void syscall_exit(const wc_syscall& event);
  void ret(const wc_return& event) { calls_.erase(event.call); }
  void process(const wc_process& event);
  void close();

 private:
  std::string begin(int32_t pid) const;
  static void append_name(std::string& path, std::string_view name);
  static void append_frames(std::string& path, const wc_stack_frame* frames, uint32_t count);

  Sink sink_;
  FoldedOptions options_;
  std::unordered_map<int32_t, std::string> programs_;  // by process
  std::unordered_map<uint64_t, std::string> calls_;    // open ones, by id: the stack down to them
  std::map<std::string, uint64_t> totals_;
};

// What separates frames, and the blank before the number, must not stand in a name.
void FoldedBackend::append_name(std::string& path, std::string_view name) {
  std::string escaped;
  append_escaped(escaped, name);
  std::ranges::replace(escaped, ';', ':');
  if (!path.empty()) path += ';';
  path += escaped;
}

// Frames are spelled as selected functions are, without parameters: a function that is both is one
// in the graph.
void FoldedBackend::append_frames(std::string& path, const wc_stack_frame* frames, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    const wc_stack_frame& frame = frames[i];
    if (is_interpreted(frame)) {
      append_name(path, std::string(view(frame.at.symbol)) + " (" + source_of(frame.at) + ")");
    } else if (frame.at.symbol != nullptr) {
      append_name(path, plain_name(frame.at.symbol));
    } else {
      const std::string_view object = frame.at.object != nullptr ? frame.at.object : "unknown";
      append_name(path, "[" + std::string(basename_of(object)) + "]");
    }
  }
}

std::string FoldedBackend::begin(int32_t pid) const {
  std::string path;
  const auto found = programs_.find(pid);
  append_name(path, found != programs_.end() ? std::string_view(found->second) : "?");
  return path;
}

void FoldedBackend::call(const wc_call& event) {
  std::string path = begin(event.pid);
  append_frames(path, event.frames, event.frame_count);
  append_name(path, view(event.function));
  calls_[event.id] = std::move(path);
}

void FoldedBackend::syscall_exit(const wc_syscall& event) {
  std::string path;
  const auto call = calls_.find(event.call);
  if (call != calls_.end() && !options_.has_inner_frames) {
    path = call->second;
  } else {
    path = begin(event.pid);
    append_frames(path, event.frames, event.frame_count);
  }
  append_name(path, view(event.name));
  if (totals_.size() >= kMaxStacks && !totals_.contains(path)) path = kOthers;
  totals_[path] += options_.weighs_time ? event.dur : 1;
}

void FoldedBackend::process(const wc_process& event) {
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC:
      programs_[event.pid] = basename_of(view(event.path));
      break;
    case WC_PROCESS_FORK:
      if (event.thread == 0) {
        std::string name = programs_[event.pid];
        programs_[event.child] = std::move(name);
      }
      break;
    case WC_PROCESS_EXIT:
      if (event.thread == 0) programs_.erase(event.pid);
      break;
    default:
      break;
  }
}

void FoldedBackend::close() {
  constexpr size_t kBlock = 65536;
  for (const auto& [path, total] : totals_) {
    append_format(sink_.buffer(), "{} {}\n", path, total);
    if (sink_.buffer().size() >= kBlock) sink_.send();
  }
  sink_.send();
}

// One of two words; true: the second.
bool choose(std::string_view value, std::string_view first, std::string_view second, bool& out) {
  out = value == second;
  return value.empty() || value == first || value == second;
}

int open_folded(void** context, const wc_host* host, char* error, size_t size) {
  const Sink sink(*host);
  FoldedOptions options;
  if (!choose(sink.option("weight"), "count", "time", options.weighs_time))
    return open_error(error, size, "option 'weight' takes count or time (nanoseconds)");
  if (!choose(sink.option("frames"), "callers", "all", options.has_inner_frames))
    return open_error(error, size, "option 'frames' takes callers or all");
  *context = new FoldedBackend(*host, options);
  return 0;
}

}  // namespace

const wc_backend* folded_backend() {
  static constexpr wc_backend kFolded = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "folded",
      .wants = WC_WANT_STACK | WC_WANT_SYSCALL_TIME,
      .options = "weight frames",
      .open = open_folded,
      .call = forward<&FoldedBackend::call>,
      .syscall_exit = forward<&FoldedBackend::syscall_exit>,
      .ret = forward<&FoldedBackend::ret>,
      .process = forward<&FoldedBackend::process>,
      .close = close_and_delete<FoldedBackend>,
  };
  return &kFolded;
}

}  // namespace wc::backends
