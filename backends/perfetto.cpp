// Backend "perfetto": a trace for ui.perfetto.dev, written as the run goes on. A track for each
// thread, calls and system calls as slices, signals and loaded objects as instants.
#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "frames.h"
#include "perfetto_trace.h"
#include "sink.h"
#include "text_words.h"

namespace wc::backends {

namespace {

class PerfettoBackend {
 public:
  explicit PerfettoBackend(const wc_host& host) : sink_(host), trace_(sink_.buffer()) {
    if (host.run != nullptr) run_ = *host.run;
  }

  void call(const wc_call& event);
  void syscall_exit(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void object(const wc_object& event);
  void lost(const wc_lost& event);
  void flush() { sink_.send(); }
  void close();

 private:
  struct Thread {
    uint64_t track = 0;
    int32_t pid = 0;
    uint64_t last = 0;           // nothing on its track is earlier
    std::vector<uint64_t> open;  // calls, by id
  };
  struct Process {
    uint64_t track = 0;
    std::string name;
  };

  void begin_run();
  Process& process_of(int32_t pid);
  Thread& thread_of(int32_t pid, int32_t tid);
  void name_process(int32_t pid, std::string_view path);
  void end_down_to(Thread& thread, size_t depth, uint64_t at);
  void instant(uint64_t track, uint64_t ts, std::string_view name, std::string_view category,
               std::span<const PerfettoNote> notes) {
    trace_.event(PerfettoEvent::Instant, track, ts, name, category, notes);
  }
  void end_event() {
    constexpr size_t kBlock = 65'536;
    if (sink_.buffer().size() >= kBlock) sink_.send();
  }

  Sink sink_;
  PerfettoTrace trace_;
  wc_run run_{};
  bool has_begun_ = false;
  uint64_t next_track_ = 1;
  std::unordered_map<int32_t, Process> processes_;
  std::unordered_map<int32_t, Thread> threads_;
  std::string text_;  // scratch
};

void PerfettoBackend::begin_run() {
  if (std::exchange(has_begun_, true)) return;
  trace_.clocks(run_.began, run_.began + static_cast<uint64_t>(run_.realtime_offset));
}

PerfettoBackend::Process& PerfettoBackend::process_of(int32_t pid) {
  begin_run();
  const auto [found, is_new] = processes_.try_emplace(pid);
  if (is_new) {
    found->second.track = next_track_++;
    trace_.process_track(found->second.track, pid, found->second.name);
  }
  return found->second;
}

PerfettoBackend::Thread& PerfettoBackend::thread_of(int32_t pid, int32_t tid) {
  const Process& process = process_of(pid);
  const auto [found, is_new] = threads_.try_emplace(tid);
  if (is_new || found->second.pid != pid) {
    found->second = {next_track_++, pid, 0, {}};
    trace_.thread_track(found->second.track, process.track, pid, tid, process.name);
  }
  return found->second;
}

// A track is described again when its name is known.
void PerfettoBackend::name_process(int32_t pid, std::string_view path) {
  Process& process = process_of(pid);
  process.name.clear();
  append_basename(process.name, path);
  trace_.process_track(process.track, pid, process.name);
  const Thread& thread = thread_of(pid, pid);
  trace_.thread_track(thread.track, process.track, pid, pid, process.name);
}

void PerfettoBackend::end_down_to(Thread& thread, size_t depth, uint64_t at) {
  while (thread.open.size() > depth) {
    thread.last = std::max(thread.last, at);
    trace_.event(PerfettoEvent::End, thread.track, thread.last, {}, {}, {});
    thread.open.pop_back();
  }
}

void PerfettoBackend::call(const wc_call& event) {
  Thread& thread = thread_of(event.pid, event.tid);
  end_down_to(thread, event.depth, event.ts);  // whose returns were lost
  thread.last = std::max(thread.last, event.ts);
  text_.clear();
  append_place(text_, event.caller);
  const std::array notes{PerfettoNote{"args", view(event.args_text)}, PerfettoNote{"caller", text_},
                         PerfettoNote{"library", view(event.library)}};
  trace_.event(PerfettoEvent::Begin, thread.track, thread.last, view(event.function), "call",
               notes);
  thread.open.push_back(event.id);
  end_event();
}

void PerfettoBackend::syscall_exit(const wc_syscall& event) {
  Thread& thread = thread_of(event.pid, event.tid);
  const uint64_t begin = std::max(thread.last, event.ts);
  const uint64_t end = std::max(begin, event.ts + event.dur);
  thread.last = end;
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  text_ = has_result ? view(event.ret_text) : "?";
  append_tampering(text_, event.flags);
  const std::array notes{PerfettoNote{"args", view(event.args_text)}, PerfettoNote{"result", text_},
                         PerfettoNote{"error", view(event.error_name)}};
  trace_.event(PerfettoEvent::Begin, thread.track, begin, view(event.name), "syscall", notes);
  trace_.event(PerfettoEvent::End, thread.track, end, {}, {}, {});
  end_event();
}

void PerfettoBackend::ret(const wc_return& event) {
  const auto found = threads_.find(event.tid);
  if (found == threads_.end()) return;
  Thread& thread = found->second;
  const auto call = std::find(thread.open.rbegin(), thread.open.rend(), event.call);
  if (call == thread.open.rend()) return;
  end_down_to(thread, static_cast<size_t>(thread.open.rend() - call), event.ts);
  thread.open.pop_back();
  thread.last = std::max(thread.last, event.ts);
  const bool is_unwound = (event.flags & WC_RETURN_UNWOUND) != 0;
  const std::array notes{PerfettoNote{"result", is_unwound ? "(unwound)" : view(event.ret_text)}};
  trace_.event(PerfettoEvent::End, thread.track, thread.last, {}, {}, notes);
  end_event();
}

void PerfettoBackend::process(const wc_process& event) {
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC:
      end_down_to(thread_of(event.pid, event.tid), 0, event.ts);
      name_process(event.pid, view(event.path));
      break;
    case WC_PROCESS_FORK:
      if (event.thread == 0) {
        const std::string name = process_of(event.pid).name;
        name_process(event.child, name);
      }
      break;
    case WC_PROCESS_SIGNAL:
      if (event.quiet != 0) break;
      text_.clear();
      append_signal_name(text_, event.signal);
      instant(thread_of(event.pid, event.tid).track, event.ts, text_, "signal",
              std::array{PerfettoNote{"signal", view(event.text)}});
      break;
    case WC_PROCESS_EXIT:
      if (const auto thread = threads_.find(event.tid); thread != threads_.end()) {
        end_down_to(thread->second, 0, event.ts);
        threads_.erase(thread);
      }
      if (event.thread == 0) processes_.erase(event.pid);
      break;
    default:
      break;
  }
  end_event();
}

void PerfettoBackend::object(const wc_object& event) {
  const bool is_load = event.event == WC_OBJECT_LOAD;
  const std::array notes{PerfettoNote{"path", view(event.path)},
                         PerfettoNote{"how", view(event.how)}, PerfettoNote{"by", view(event.by)},
                         PerfettoNote{"build_id", view(event.build_id)}};
  instant(process_of(event.pid).track, event.ts, is_load ? "load" : "unload", "object", notes);
  end_event();
}

void PerfettoBackend::lost(const wc_lost& event) {
  text_ = std::to_string(event.count);
  instant(process_of(event.pid).track, event.ts, "lost events", "lost",
          std::array{PerfettoNote{"count", text_}});
}

// A call that is open when the trace ends has no end there, either: the reader shows it as such.
void PerfettoBackend::close() {
  begin_run();
  sink_.send();
}

PerfettoBackend& self(void* context) { return *static_cast<PerfettoBackend*>(context); }

int open_perfetto(void** context, const wc_host* host, char* error, size_t size) {
  if (host->is_terminal != 0)
    return open_error(error, size,
                      "writes bytes that are none for a terminal; use perfetto:output=FILE");
  *context = new PerfettoBackend(*host);
  return 0;
}

}  // namespace

const wc_backend* perfetto_backend() {
  static constexpr wc_backend kPerfetto = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "perfetto",
      .wants = WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME,
      .options = "",
      .open = open_perfetto,
      .call = forward<&PerfettoBackend::call>,
      .syscall_exit = forward<&PerfettoBackend::syscall_exit>,
      .ret = forward<&PerfettoBackend::ret>,
      .process = forward<&PerfettoBackend::process>,
      .object = forward<&PerfettoBackend::object>,
      .lost = forward<&PerfettoBackend::lost>,
      .flush = [](void* context, uint64_t) { self(context).flush(); },
      .close = close_and_delete<PerfettoBackend>,
  };
  return &kPerfetto;
}

}  // namespace wc::backends
