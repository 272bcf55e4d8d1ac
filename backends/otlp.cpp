// Backend "otlp": calls as spans for OpenTelemetry (docs/fleet.md). Spans are made here, on the
// tracer's thread; otlp_sender.h brings them to a collector.

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "frames.h"
#include "otlp_json.h"
#include "otlp_options.h"
#include "otlp_sender.h"
#include "run_clock.h"
#include "sink.h"

namespace wc::backends {

namespace {

constexpr size_t kMostOpen = size_t{1} << 16;        // calls
constexpr uint32_t kMostEvents = 128;                // of a span, as SDKs have it
constexpr size_t kMostBytes = size_t{1} << 20;       // of a batch
constexpr uint64_t kSyscallIds = uint64_t{1} << 63;  // calls have the numbers below

int64_t realtime_offset() {
  const uint64_t monotonic = clock_ns(CLOCK_MONOTONIC);
  return static_cast<int64_t>(clock_ns(CLOCK_REALTIME) - monotonic);
}

class OtlpBackend {
 public:
  OtlpBackend(const wc_host& host, OtlpOptions options)
      : sink_(host), options_(std::move(options)), sampler_(options_.ratio) {
    run_trace_ = options_.parent && !options_.trace_each_call ? options_.parent->trace
                                                              : ids_.trace(kSyscallIds);
    offset_ = host.run != nullptr ? host.run->realtime_offset : realtime_offset();
  }

  [[nodiscard]] bool sends_nothing() const {
    if (options_.parent && !options_.parent->is_sampled) return true;
    return !options_.trace_each_call && !sampler_.takes(run_trace_);
  }
  bool open(std::string& error);
  void call(const wc_call& event);
  void syscall_exit(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void lost(const wc_lost& event) { lost_events_ += event.count; }
  void flush(uint64_t now);
  void close();

 private:
  struct Call {
    int32_t pid = 0;
    TraceId trace;
    uint64_t span = 0, parent = 0, ts = 0;
    bool is_outermost = false;
    std::string name, attributes, events;
    uint32_t event_count = 0;
    uint64_t syscalls = 0, errors = 0, syscall_ns = 0;
  };
  struct Process {
    ProcessFacts facts;
    OtlpBatch::Resource resource;  // null: to be made
  };

  // Follows who sets the clock. The events of a run that is replayed are of another time.
  void update_clock(uint64_t now) {
    constexpr int64_t kNear = 1'000'000'000;
    const auto age = static_cast<int64_t>(clock_ns(CLOCK_MONOTONIC) - now);
    if (std::abs(age) < kNear) offset_ = realtime_offset();
  }
  [[nodiscard]] uint64_t epoch(uint64_t ts) const { return ts + static_cast<uint64_t>(offset_); }
  [[nodiscard]] uint64_t outer_span() const {
    return options_.parent && !options_.trace_each_call ? options_.parent->span : 0;
  }
  const OtlpBatch::Resource& resource_of(int32_t pid);
  void syscall_span(const wc_syscall& event, const Call* call);
  void add_syscall(const wc_syscall& event, Call& call);
  void add(int32_t pid, const OtlpSpan& span);
  void end_call(Call& call, uint64_t ts);
  void end_calls_of(int32_t pid, uint64_t ts);
  void send();
  void say(const std::string& line) {
    const wc_host& host = sink_.host();
    if (host.say != nullptr) host.say(host.handle, line.c_str(), 0);
  }
  void say_counts(const OtlpSender::Counts& counts);

  Sink sink_;
  OtlpOptions options_;
  Sampler sampler_;
  IdSource ids_;
  TraceId run_trace_;
  std::unique_ptr<OtlpSender> sender_;
  OtlpBatch batch_;
  uint64_t batch_began_ = 0;  // CLOCK_MONOTONIC; 0: it is empty
  int64_t offset_ = 0;
  std::unordered_map<uint64_t, Call> calls_;  // open ones that are sampled
  std::map<int32_t, Process> processes_;
  uint64_t next_syscall_ = 0, lost_events_ = 0, too_many_open_ = 0, outside_ = 0;
  std::string attributes_;  // scratch
};

bool OtlpBackend::open(std::string& error) {
  if (options_.parent && !options_.parent->is_sampled)
    say("TRACEPARENT says that its trace is not sampled: nothing is sent");
  if (view(std::getenv("TRACEPARENT")).empty() == false && !options_.parent)
    say("the environment variable TRACEPARENT is not of the W3C's form 00-TRACE-SPAN-FLAGS: it is "
        "ignored");
  if (options_.url.empty() || sends_nothing()) return true;
  auto client = HttpClient::open(options_, view(sink_.host().version), error);
  if (client == nullptr) return false;
  sender_ = std::make_unique<OtlpSender>(options_, std::move(client));
  return true;
}

const OtlpBatch::Resource& OtlpBackend::resource_of(int32_t pid) {
  Process& process = processes_[pid];
  if (process.resource == nullptr) {
    process.facts.pid = pid;
    process.resource = std::make_shared<const std::string>(
        resource_json(options_, process.facts, view(sink_.host().version)));
  }
  return process.resource;
}

void OtlpBackend::add(int32_t pid, const OtlpSpan& span) {
  if (batch_began_ == 0) batch_began_ = clock_ns(CLOCK_MONOTONIC);
  batch_.add(resource_of(pid), span);
  if (batch_.spans() >= options_.batch || batch_.bytes() >= kMostBytes) send();
}

void OtlpBackend::send() {
  if (batch_.spans() == 0) return;
  attributes_.clear();
  AttributeList scope(attributes_);
  const uint64_t lost = (sender_ != nullptr ? sender_->lost() : 0) + too_many_open_;
  if (lost != 0) scope.integer("wc.spans.lost", static_cast<int64_t>(lost));
  if (lost_events_ != 0) scope.integer("wc.events.lost", static_cast<int64_t>(lost_events_));
  OtlpSender::Batch batch{.spans = batch_.spans()};
  batch.body = batch_.take(view(sink_.host().version), attributes_);
  if (options_.has_file) {
    sink_.buffer() = batch.body + '\n';
    sink_.send();
  }
  if (sender_ != nullptr) sender_->add(std::move(batch));
  batch_began_ = 0;
}

void OtlpBackend::call(const wc_call& event) {
  Call call{.pid = event.pid, .trace = run_trace_, .span = ids_.span(event.id), .ts = event.ts};
  const auto parent = calls_.find(event.parent);
  if (parent != calls_.end()) {
    call.trace = parent->second.trace;
    call.parent = parent->second.span;
  } else {
    // Within a call that is not sampled, nothing is.
    if (options_.trace_each_call && event.parent != 0) return;
    call.is_outermost = true;
    call.parent = outer_span();
    if (options_.trace_each_call) {
      call.trace = ids_.trace(event.id);
      if (!sampler_.takes(call.trace)) return;
    }
  }
  if (calls_.size() >= kMostOpen) {
    ++too_many_open_;
    return;
  }
  call.name = view(event.function);
  AttributeList list(call.attributes);
  list.integer("thread.id", event.tid);
  list.text_if("code.function.name", event.function);
  list.text_if("wc.library", event.library);
  list.text_if("wc.args", event.args_text);
  std::string place;
  append_place(place, event.caller);
  if (event.caller.object != nullptr || event.caller.symbol != nullptr)
    list.text("wc.caller", place);
  if (event.weight > 1) list.integer("wc.weight", event.weight);
  if (sink_.host().stack_trace != 0 && event.frame_count != 0) {
    std::string stack;
    for (uint32_t i = 0; i < event.frame_count; ++i) {
      append_frame(stack, event.frames[i]);
      stack += '\n';
    }
    list.text("code.stacktrace", stack);
  }
  calls_.emplace(event.id, std::move(call));
}

namespace {
void list_syscall(AttributeList& list, const wc_syscall& event) {
  std::string text(view(event.name));
  text += '(';
  (text += view(event.args_text)) += ") = ";
  text += (event.flags & WC_SYSCALL_NO_RESULT) != 0 ? "?" : view(event.ret_text);
  list.text("wc.syscall.text", text);
  list.integer("wc.syscall.nr", event.nr);
  list.text_if("file.path", event.path);
  list.text_if("wc.fd.path", event.fd_path);
  list.text_if("error.type", event.error_name);
  list.text_if("wc.injected", event.injected);
  if ((event.flags & WC_SYSCALL_IN_SIGNAL) != 0) list.boolean("wc.in_signal_handler", true);
}
}  // namespace

void OtlpBackend::syscall_span(const wc_syscall& event, const Call* call) {
  attributes_.clear();
  AttributeList list(attributes_);
  list.integer("thread.id", event.tid);
  list_syscall(list, event);
  const std::string error = event.error == 0              ? ""
                            : event.error_name != nullptr ? event.error_name
                                                          : "errno";
  const TraceId trace = call != nullptr            ? call->trace
                        : options_.trace_each_call ? ids_.trace(kSyscallIds + next_syscall_)
                                                   : run_trace_;
  if (call == nullptr && options_.trace_each_call && !sampler_.takes(trace)) return;
  add(event.pid, {.trace = trace,
                  .id = ids_.span(kSyscallIds + next_syscall_),
                  .parent = call != nullptr ? call->span : outer_span(),
                  .has_remote_parent = call == nullptr,
                  .state = sampler_.state(),
                  .name = view(event.name),
                  .start = epoch(event.ts),
                  .end = epoch(event.ts + event.dur),
                  .attributes = attributes_,
                  .error = error});
}

void OtlpBackend::add_syscall(const wc_syscall& event, Call& call) {
  ++call.syscalls;
  call.errors += event.error != 0 ? 1 : 0;
  call.syscall_ns += event.dur;
  if (options_.syscalls == SyscallsAs::Spans) return syscall_span(event, &call);
  if (options_.syscalls == SyscallsAs::Attributes || call.event_count++ >= kMostEvents) return;
  attributes_.clear();
  AttributeList list(attributes_);
  list_syscall(list, event);
  list.integer("wc.syscall.duration_ns", static_cast<int64_t>(event.dur));
  append_event(call.events, view(event.name), epoch(event.ts), attributes_);
}

void OtlpBackend::syscall_exit(const wc_syscall& event) {
  ++next_syscall_;
  const auto call = calls_.find(event.call);
  if (event.call != 0 && call != calls_.end()) return add_syscall(event, call->second);
  if (event.call != 0) return;  // the call is not sampled
  if (options_.syscalls == SyscallsAs::Spans)
    syscall_span(event, nullptr);
  else
    ++outside_;
}

void OtlpBackend::end_call(Call& call, uint64_t ts) {
  AttributeList list(call.attributes);
  if (options_.syscalls == SyscallsAs::Attributes) {
    list.integer("wc.syscalls.count", static_cast<int64_t>(call.syscalls));
    list.integer("wc.syscalls.errors", static_cast<int64_t>(call.errors));
    list.integer("wc.syscalls.duration_ns", static_cast<int64_t>(call.syscall_ns));
  }
  const uint32_t kept = std::min(call.event_count, kMostEvents);
  const bool is_linked = call.is_outermost && options_.trace_each_call && options_.parent;
  add(call.pid, {.trace = call.trace,
                 .id = call.span,
                 .parent = call.parent,
                 .has_remote_parent = call.is_outermost,
                 .link = is_linked ? &*options_.parent : nullptr,
                 .state = sampler_.state(),
                 .name = call.name,
                 .start = epoch(call.ts),
                 .end = epoch(ts),
                 .attributes = call.attributes,
                 .events = call.events,
                 .dropped_events = call.event_count - kept});
}

void OtlpBackend::ret(const wc_return& event) {
  const auto found = calls_.find(event.call);
  if (found == calls_.end()) return;
  Call call = std::move(found->second);
  calls_.erase(found);
  AttributeList list(call.attributes);
  list.text_if("wc.result", event.ret_text);
  if ((event.flags & WC_RETURN_UNWOUND) != 0) list.boolean("wc.unwound", true);
  end_call(call, event.ts);
}

// Calls that are open when their process or the run ends.
void OtlpBackend::end_calls_of(int32_t pid, uint64_t ts) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    if (pid != 0 && call->second.pid != pid) {
      ++call;
      continue;
    }
    AttributeList(call->second.attributes).boolean("wc.unfinished", true);
    end_call(call->second, ts);
    call = calls_.erase(call);
  }
}

void OtlpBackend::process(const wc_process& event) {
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC: {
      Process& process = processes_[event.pid];
      process.facts.path = view(event.path);
      process.resource.reset();
      break;
    }
    case WC_PROCESS_FORK:
      if (event.thread == 0) {
        Process& child = processes_[event.child];
        child.facts = {.parent = event.pid, .path = processes_[event.pid].facts.path};
        child.resource.reset();
      }
      break;
    case WC_PROCESS_EXIT:
      if (event.thread == 0) {
        end_calls_of(event.pid, event.ts);
        processes_.erase(event.pid);
      }
      break;
    default:
      break;
  }
}

void OtlpBackend::flush(uint64_t now) {
  update_clock(now);
  if (batch_began_ != 0 && now >= batch_began_ + options_.delay_ns) send();
}

void OtlpBackend::say_counts(const OtlpSender::Counts& counts) {
  const auto spans = [](uint64_t count) { return std::to_string(count) + " spans were lost: "; };
  if (counts.overflowed != 0)
    say(spans(counts.overflowed) + "the queue to " + options_.url + " was full (option queue)");
  if (counts.failed != 0)
    say(spans(counts.failed) + options_.url + " did not take them: " + counts.why_failed);
  if (counts.rejected != 0 || !counts.why_rejected.empty()) {
    std::string text;
    append_escaped(text, counts.why_rejected);
    say((counts.rejected != 0 ? spans(counts.rejected) + "the receiver has refused them"
                              : "the receiver warns") +
        (text.empty() ? "" : ": " + text));
  }
}

void OtlpBackend::close() {
  end_calls_of(0, end_of(sink_.host()));
  send();
  if (sender_ != nullptr) say_counts(sender_->finish());
  if (too_many_open_ != 0)
    say(std::to_string(too_many_open_) + " spans were lost: too many calls were open at once");
  if (outside_ != 0)
    say(std::to_string(outside_) +
        " system calls outside of calls were left out; syscalls=spans has them");
}

// ---- The interface

OtlpBackend& self(void* context) { return *static_cast<OtlpBackend*>(context); }

// What is not sampled is not gathered.
int prepare_otlp(void** context, const wc_host* host, wc_backend* mine, char* error, size_t size) {
  const Sink sink(*host);
  OtlpOptions options;
  std::string message;
  if (!options.read(sink, message)) return open_error(error, size, message);
  if (host->one_process != 0)
    return open_error(error, size, "goes without -ff: each process is a resource of its own");
  auto backend = std::make_unique<OtlpBackend>(*host, std::move(options));
  if (backend->sends_nothing()) {
    mine->wants = 0;
    mine->call = nullptr;
    mine->ret = nullptr;
    mine->syscall_exit = nullptr;
    mine->process = nullptr;
  }
  *context = backend.release();
  return 0;
}

int open_otlp(void** context, const wc_host*, char* error, size_t size) {
  std::string message;
  std::unique_ptr<OtlpBackend> backend(&self(*context));
  if (!backend->open(message)) return open_error(error, size, message);
  (void)backend.release();
  return 0;
}

}  // namespace

const wc_backend* otlp_backend() {
  static constexpr wc_backend kOtlp = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "otlp",
      .wants =
          WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME | WC_WANT_PATHS,
      .options = kOtlpOptionNames,
      .open = open_otlp,
      .call = forward<&OtlpBackend::call>,
      .syscall_exit = forward<&OtlpBackend::syscall_exit>,
      .ret = forward<&OtlpBackend::ret>,
      .process = forward<&OtlpBackend::process>,
      .lost = forward<&OtlpBackend::lost>,
      .flush = [](void* context, uint64_t now) { self(context).flush(now); },
      .close = close_and_delete<OtlpBackend>,
      .prepare = prepare_otlp,
  };
  return &kOtlp;
}

}  // namespace wc::backends
