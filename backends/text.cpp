// Backend "text": for people. The shape of its lines is a contract (see the manual page):
//
//   fopen("/etc/hosts", "r") = 0x55d0c0                     <main+0x1c at hello.c:7>
//     openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = 3
//   close(3) = 0                                            <main+0x30 at hello.c:9>
//   +++ exited with 0 +++
//
// Decisions:
// - The lines of an outermost call are held back until that call returns, so that its value
//   stands on its first line. A terminal and a file show the same.
// - A call that is its own syscall, and its only one, is one line (text_merge.h).
// - A call that is still open after `hold` milliseconds (200 unless told, see wake_at()),
//   or whose lines exceed 256 KiB, or whose thread forks, execs or ends, is printed at once
//   in strace's form, "fopen("/etc/hosts", "r" <unfinished ...>"; the lines that follow are
//   printed as they come, and its return is a line "<... fopen resumed>) = 0x55d0c0".
//   A call entered after that inside it is held back in its turn.
// - Lines of one thread stand in the order of its program. Blocks of different threads stand in
//   the order in which they could be printed: time stamps of neighbouring lines may step back.
// - "[pid N] " (the thread's id, as in strace) is on every line from the moment when a second
//   thread or process was seen, for the rest of the run.
// - A syscall outside of every call (full-process mode) is one line, as strace has it: when another
//   thread's line comes while it runs, or it runs for `hold`, as "read(0,  <unfinished ...>", and
//   its end is a line "<... read resumed>"text", 10) = 4".
// - With -k the lines of a stack follow the line of their call or syscall, without its prefix.
// - Names and paths are escaped here, texts come escaped from the host.
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "append.h"
#include "builtin.h"
#include "forward.h"
#include "frames.h"
#include "sink.h"
#include "text_merge.h"
#include "text_options.h"
#include "text_printer.h"
#include "text_thread.h"
#include "text_words.h"

namespace wc::backends {

namespace {

using Kind = TextLine::Kind;

constexpr size_t kMaxHeld = size_t{256} << 10;      // of one thread
constexpr size_t kMaxHeldOfAll = size_t{32} << 20;  // however many threads there are
constexpr uint64_t kMillisecond = 1'000'000;

constexpr std::string_view kUnwound = ") = ? <unwound>";

class TextBackend {
 public:
  TextBackend(const wc_host& host, TextOptions options)
      : printer_(host, options), options_(options), one_process_(host.one_process != 0) {}

  void call(const wc_call& event);
  void syscall_enter(const wc_syscall& event);
  void syscall_exit(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void object(const wc_object& event);
  void lost(const wc_lost& event);
  void flush(uint64_t now);
  [[nodiscard]] uint64_t wake_at() const;
  void close() {
    release_if([](int32_t, const TextThread&) { return true; });
  }

 private:
  using Threads = std::unordered_map<int32_t, TextThread>;

  TextThread& thread(int32_t pid, int32_t tid);
  void note(int32_t pid, int32_t tid, uint64_t ts, std::string_view text);
  void resumed_line(TextThread& lines, const wc_return& event, const TextEnd& end);
  void append_asker(std::string& out, const wc_object& event);
  void add_stack(TextThread& lines, const TextLine& under, const wc_stack_frame* frames,
                 uint32_t count);
  void executed(const wc_process& event);
  void exited(const wc_process& event);

  void print_pending(int32_t before_tid);
  void append_syscall(TextThread& lines, const wc_syscall& event, TextLine& line);
  void settle(int32_t tid, TextThread& thread, size_t size_before);
  void print(int32_t tid, TextThread& thread);
  template <typename Predicate>
  void release_if(Predicate predicate);

  TextPrinter printer_;
  TextOptions options_;
  Threads threads_;
  size_t held_ = 0;  // bytes of lines in all threads
  int32_t first_tid_ = 0;
  TextThread* last_ = nullptr;  // that of last_tid_, which was asked for last, or null
  int32_t last_tid_ = 0;
  int32_t pending_tid_ = 0;  // the one thread whose TextThread::pending is not printed, or 0
  bool one_process_;         // only its events come here
  std::string head_;         // of the line of a call, when its arguments have changed
  std::string tail_;         // reused
  std::string duration_;     // reused
};

// ---- Lines from events

TextThread& TextBackend::thread(int32_t pid, int32_t tid) {
  if (last_ != nullptr && tid == last_tid_) return *last_;
  if (first_tid_ == 0) first_tid_ = tid;
  if (tid != first_tid_) printer_.show_threads();
  last_ = &threads_.try_emplace(tid, pid).first->second;
  last_tid_ = tid;
  return *last_;
}

// As `strace -k` has it: no prefix.
void TextBackend::add_stack(TextThread& lines, const TextLine& under, const wc_stack_frame* frames,
                            uint32_t count) {
  if (printer_.host().stack_trace == 0 || count == 0) return;
  std::string& bytes = lines.bytes();
  for (const wc_stack_frame& frame : std::span(frames, count)) {
    const size_t mark = lines.mark();
    bytes += " > ";
    append_frame(bytes, frame);
    lines.add(
        {.ts = under.ts, .depth = under.depth, .kind = Kind::Frame, .head = lines.range(mark)});
  }
}

void TextBackend::call(const wc_call& event) {
  TextThread& lines = thread(event.pid, event.tid);
  const size_t before = lines.size();
  std::string& bytes = lines.bytes();
  TextLine line{.ts = event.ts, .depth = event.depth, .kind = Kind::Call, .is_open = true};

  size_t mark = lines.mark();
  append_escaped(bytes, view(event.function));
  line.name = static_cast<uint32_t>(bytes.size() - mark);
  bytes += '(';
  bytes += view(event.args_text);
  line.head = lines.range(mark);

  mark = lines.mark();
  append_caller(bytes, event.caller);
  line.caller = lines.range(mark);

  lines.add_call(line, event.id);
  add_stack(lines, line, event.frames, event.frame_count);
  settle(event.tid, lines, before);
}

void TextBackend::syscall_enter(const wc_syscall& event) {
  if (event.call != 0) return;  // shown in the block of its call
  TextThread& lines = thread(event.pid, event.tid);
  print_pending(event.tid);
  lines.pending = {.ts = event.ts,
                   .args = std::string(view(event.args_text)),
                   .name = std::string(view(event.name))};
  pending_tid_ = event.tid;
}

// "read(3, "abc", 3", or of a line that was begun before, "<... read resumed>"abc", 3".
void TextBackend::append_syscall(TextThread& lines, const wc_syscall& event, TextLine& line) {
  std::string& out = lines.bytes();
  const size_t mark = lines.mark();
  std::string_view args = view(event.args_text);
  if (lines.pending && lines.pending->is_printed) {
    out += "<... ";
    out += view(event.name);
    out += " resumed>";
    if (args.starts_with(lines.pending->args)) args.remove_prefix(lines.pending->args.size());
  } else {
    out += view(event.name);
    line.name = static_cast<uint32_t>(out.size() - mark);
    out += '(';
  }
  out += args;
  line.head = lines.range(mark);
  lines.pending.reset();
  if (pending_tid_ == event.tid) pending_tid_ = 0;
}

void TextBackend::syscall_exit(const wc_syscall& event) {
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  TextThread& lines = thread(event.pid, event.tid);
  const size_t before = lines.size();
  // The second part of a line that was cut comes when the syscall does.
  const bool is_resumed = lines.pending && lines.pending->is_printed;
  TextLine line{.ts = is_resumed ? event.ts + event.dur : event.ts,
                .depth = event.call != 0 ? event.depth + 1 : 0,
                .kind = Kind::Syscall,
                .has_failed = event.error != 0,
                .is_in_signal = (event.flags & WC_SYSCALL_IN_SIGNAL) != 0};
  append_syscall(lines, event, line);
  size_t mark = lines.mark();
  lines.bytes() += ") = ";
  lines.bytes() += has_result ? view(event.ret_text) : "?";
  append_tampering(lines.bytes(), event.flags);
  line.tail = lines.range(mark);
  mark = lines.mark();
  if (has_result && printer_.host().show_duration != 0) append_duration(lines.bytes(), event.dur);
  line.durations = lines.range(mark);
  lines.add(line);
  add_stack(lines, line, event.frames, event.frame_count);
  settle(event.tid, lines, before);
}

// The return of a call whose line has been printed already.
void TextBackend::resumed_line(TextThread& lines, const wc_return& event, const TextEnd& end) {
  std::string& bytes = lines.bytes();
  TextLine line{
      .ts = event.ts, .depth = event.depth, .kind = Kind::Call, .has_failed = end.has_failed};
  size_t mark = lines.mark();
  bytes += "<... ";
  append_escaped(bytes, view(event.function));
  bytes += " resumed>";
  line.head = lines.range(mark);
  mark = lines.mark();
  bytes += end.tail;
  line.tail = lines.range(mark);
  mark = lines.mark();
  bytes += end.duration;
  line.durations = lines.range(mark);
  lines.add(line);
}

void TextBackend::ret(const wc_return& event) {
  TextThread& lines = thread(event.pid, event.tid);
  const size_t before = lines.size();
  const std::string_view value = view(event.ret_text);
  if ((event.flags & WC_RETURN_UNWOUND) != 0) {
    tail_ = kUnwound;
  } else {
    tail_ = ") = ";
    tail_ += value.empty() ? "<void>" : value;
  }
  duration_.clear();
  if (printer_.host().show_duration != 0 && event.dur != 0) append_duration(duration_, event.dur);
  head_.clear();
  if (event.args_text != nullptr) {
    append_escaped(head_, view(event.function));
    head_ += '(';
    head_ += event.args_text;
  }
  // With the name of its errno behind it.
  const bool has_failed = value.starts_with("-1 E") || value.starts_with("NULL E");
  const TextEnd end{head_, tail_, duration_, has_failed};
  const auto ended = lines.end_call(event.call, event.depth, end, kUnwound);
  if (!ended) {
    resumed_line(lines, event, end);
  } else if (options_.merge == Merge::On) {
    merge_syscall(lines, *ended);
  }
  settle(event.tid, lines, before);
}

void TextBackend::note(int32_t pid, int32_t tid, uint64_t ts, std::string_view text) {
  TextThread& lines = thread(pid, tid);
  const size_t before = lines.size();
  const size_t mark = lines.mark();
  lines.bytes() += text;
  lines.add({.ts = ts, .head = lines.range(mark)});
  settle(tid, lines, before);
}

void TextBackend::process(const wc_process& event) {
  thread(event.pid, event.tid);
  switch (event.event) {
    case WC_PROCESS_SIGNAL:
      tail_ = "--- ";
      if (event.text != nullptr) {
        tail_ += event.text;
      } else {
        append_signal_name(tail_, event.signal);
      }
      tail_ += " ---";
      note(event.pid, event.tid, event.ts, tail_);
      break;
    case WC_PROCESS_STOP:
      tail_ = "--- stopped by ";
      append_signal_name(tail_, event.signal);
      tail_ += " ---";
      note(event.pid, event.tid, event.ts, tail_);
      break;
    case WC_PROCESS_EXIT:
      exited(event);
      break;
    case WC_PROCESS_EXEC:
      executed(event);
      break;
    case WC_PROCESS_FORK:
      if (event.thread != 0 || !one_process_) printer_.show_threads();
      [[fallthrough]];
    default:
      release_if([&](int32_t tid, const TextThread&) { return tid == event.tid; });
  }
}

// The other threads are gone, and the one that called it may have had another id.
void TextBackend::executed(const wc_process& event) {
  last_ = nullptr;
  std::erase_if(threads_, [&](const auto& entry) {
    return entry.second.pid() == event.pid && entry.first != event.tid && !entry.second.is_held();
  });
  release_if([&](int32_t tid, const TextThread&) { return tid == event.tid; });
}

void TextBackend::exited(const wc_process& event) {
  const bool all = event.thread == 0;
  release_if([&](int32_t tid, const TextThread& lines) {
    return (all && lines.pid() == event.pid) || tid == event.tid;
  });
  tail_ = "+++ ";
  if (WIFSIGNALED(event.status)) {
    tail_ += "killed by ";
    append_signal_name(tail_, WTERMSIG(event.status));
    if (WCOREDUMP(event.status)) tail_ += " (core dumped)";
  } else {
    append_format(tail_, "exited with {}", WEXITSTATUS(event.status));
  }
  tail_ += " +++";
  if (event.quiet == 0) note(event.pid, event.tid, event.ts, tail_);
  last_ = nullptr;
  if (all) {
    std::erase_if(threads_, [&](const auto& entry) { return entry.second.pid() == event.pid; });
  }
  threads_.erase(event.tid);
}

// " by /usr/bin/prog <main+0x1c at prog.c:7>"
void TextBackend::append_asker(std::string& out, const wc_object& event) {
  if (event.by != nullptr) {
    out += event.how != nullptr ? " by " : "by ";
    append_escaped(out, event.by);
  }
  if (event.caller.address != 0) {
    out += ' ';
    append_caller(out, event.caller);
  }
}

void TextBackend::object(const wc_object& event) {
  const bool unload = event.event == WC_OBJECT_UNLOAD;
  tail_ = unload ? "--- unloaded " : "--- loaded ";
  append_escaped(tail_, view(event.path));
  append_format(tail_, " at {:#x}", event.base);
  if (event.how != nullptr) {
    tail_ += " (";
    append_escaped(tail_, event.how);
    append_asker(tail_, event);
    tail_ += ')';
  } else if (event.by != nullptr) {
    tail_ += " (";
    append_asker(tail_, event);
    tail_ += ')';
  }
  if (event.build_id != nullptr) {
    tail_ += " build-id ";
    append_escaped(tail_, event.build_id);
  }
  tail_ += " ---";
  if (event.dur != 0)
    append_format(tail_, " <{}.{:06}>", event.dur / 1'000'000'000, event.dur / 1000 % 1'000'000);
  note(event.pid, event.tid != 0 ? event.tid : event.pid, event.ts, tail_);
}

void TextBackend::lost(const wc_lost& event) {
  // The returns of open calls may be among what was lost: do not wait for them.
  release_if([&](int32_t, const TextThread& lines) { return lines.pid() == event.pid; });
  tail_ = fmt::format("+++ lost {} events +++", event.count);
  note(event.pid, event.pid, event.ts, tail_);
}

// ---- Holding back and printing

// After a line was added: prints what need not or must not wait. A thread has either no lines
// or held ones when this returns.
void TextBackend::settle(int32_t tid, TextThread& lines, size_t size_before) {
  held_ += lines.size() - size_before;
  const bool may_wait = lines.is_held() && options_.hold != 0;
  if (!may_wait || lines.size() > kMaxHeld || held_ > kMaxHeldOfAll) {
    print(tid, lines);
    printer_.send();
  }
}

void TextBackend::print(int32_t tid, TextThread& lines) {
  const size_t before = lines.size();
  print_pending(tid);
  for (const TextLine& line : std::as_const(lines).lines()) printer_.print(tid, lines, line);
  lines.clear();
  held_ -= before;
}

// A line of thread `before_tid` comes: the syscall of another one that is not printed yet is, so
// far.
void TextBackend::print_pending(int32_t before_tid) {
  if (pending_tid_ == 0 || pending_tid_ == before_tid) return;
  const int32_t tid = std::exchange(pending_tid_, 0);
  const auto found = threads_.find(tid);
  if (found == threads_.end() || !found->second.pending) return;
  found->second.pending->is_printed = true;
  printer_.print_unfinished(tid, *found->second.pending);
  printer_.send();
}

// Prints the lines of the threads that `predicate` names, oldest block first.
template <typename Predicate>
void TextBackend::release_if(Predicate predicate) {
  std::vector<std::pair<int32_t, TextThread*>> ready;
  for (auto& [tid, lines] : threads_) {
    if (lines.is_held() && predicate(tid, lines)) ready.emplace_back(tid, &lines);
  }
  std::sort(ready.begin(), ready.end(), [](const auto& a, const auto& b) {
    return a.second->lines().front().ts < b.second->lines().front().ts;
  });
  for (auto& [tid, lines] : ready) print(tid, *lines);
  printer_.send();
}

void TextBackend::flush(uint64_t now) {
  const uint64_t hold = options_.hold * kMillisecond;
  if (const auto found = threads_.find(pending_tid_);
      found != threads_.end() && found->second.pending && found->second.pending->ts + hold <= now) {
    constexpr int32_t kNobody = -1;
    print_pending(kNobody);
  }
  release_if(
      [=](int32_t, const TextThread& lines) { return lines.lines().front().ts + hold <= now; });
}

uint64_t TextBackend::wake_at() const {
  const uint64_t hold = options_.hold * kMillisecond;
  uint64_t earliest = UINT64_MAX;
  for (const auto& [tid, lines] : threads_) {
    if (lines.is_held()) earliest = std::min(earliest, lines.lines().front().ts + hold);
    if (tid == pending_tid_ && lines.pending)
      earliest = std::min(earliest, lines.pending->ts + hold);
  }
  return earliest == UINT64_MAX ? 0 : earliest;
}

// ---- The interface in C

int open_text(void** context, const wc_host* host, char* error, size_t size) {
  TextOptions options;
  const std::string wrong = read_options(*host, options);
  if (!wrong.empty()) return open_error(error, size, wrong);
  *context = new TextBackend(*host, options);
  return 0;
}

TextBackend& self(void* context) { return *static_cast<TextBackend*>(context); }

}  // namespace

const wc_backend* text_backend() {
  static constexpr wc_backend kText = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "text",
      .wants = WC_WANT_TEXT | WC_WANT_CALLER,
      .options = "hold column merge color",
      .open = open_text,
      .call = forward<&TextBackend::call>,
      .syscall_enter =
          [](void* context, const wc_syscall* event, wc_verdict*) {
            self(context).syscall_enter(*event);
            return static_cast<int>(WC_GO_ON);
          },
      .syscall_exit = forward<&TextBackend::syscall_exit>,
      .ret = forward<&TextBackend::ret>,
      .process = forward<&TextBackend::process>,
      .object = forward<&TextBackend::object>,
      .lost = forward<&TextBackend::lost>,
      .flush = [](void* context, uint64_t now) { self(context).flush(now); },
      .close = close_and_delete<TextBackend>,
      .wake_at = [](void* context) { return self(context).wake_at(); },
  };
  return &kText;
}

}  // namespace wc::backends
