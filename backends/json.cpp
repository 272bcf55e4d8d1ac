// Backend "json": JSON Lines, one object a line, keys in a fixed order (docs/backend-abi.md and
// the manual page describe them), absent when they do not apply.
//
// Numbers are numbers, addresses are "0x..." strings, strings of the traced program are strings
// with the bytes as they were (see json_writer.h for bytes that are not UTF-8), an argument that
// was not captured is null.
#include <sys/wait.h>

#include <bit>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "builtin.h"
#include "escape.h"
#include "forward.h"
#include "frames.h"
#include "json_run.h"
#include "json_writer.h"
#include "sink.h"
#include "text_words.h"

namespace wc::backends {

namespace {

void write_arg(JsonWriter& json, const wc_arg& arg) {
  switch (arg.type) {
    case WC_ARG_INT:
      json.number(static_cast<int64_t>(arg.value));
      break;
    case WC_ARG_UINT:
      json.number(arg.value);
      break;
    case WC_ARG_STRING:
      if (arg.text != nullptr) {
        json.string({arg.text, arg.length});
        break;
      }
      [[fallthrough]];  // a string that could not be read: its address
    case WC_ARG_POINTER:
      json.address(arg.value);
      break;
    case WC_ARG_DOUBLE:
      json.floating(std::bit_cast<double>(arg.value));
      break;
    default:
      json.null();
  }
}

void write_args(JsonWriter& json, const wc_arg* args, uint32_t count) {
  json.key("args");
  json.begin_array();
  if (args != nullptr) {
    for (const wc_arg& arg : std::span(args, count)) write_arg(json, arg);
  }
  json.end_array();
}

void write_text(JsonWriter& json, std::string_view name, const char* text) {
  if (text != nullptr) json.member(name, std::string_view(text));
}

void write_caller(JsonWriter& json, const wc_caller& caller) {
  if (caller.object == nullptr && caller.symbol == nullptr) return;
  json.key("caller");
  json.begin_object();
  write_text(json, "object", caller.object);
  write_text(json, "symbol", caller.symbol);
  json.member("offset", caller.offset);
  write_text(json, "file", caller.file);
  if (caller.file != nullptr && caller.line != 0) json.member("line", caller.line);
  json.end_object();
}

// Keys as those of a caller, and the address; what runs in an interpreter has none.
void write_frame(JsonWriter& json, const wc_stack_frame& frame) {
  const bool is_python = is_interpreted(frame);
  json.begin_object();
  write_text(json, "object", frame.at.object);
  write_text(json, "symbol", frame.at.symbol);
  if (!is_python) json.member("offset", frame.at.offset);
  write_text(json, "file", frame.at.file);
  if (frame.at.file != nullptr && frame.at.line != 0) json.member("line", frame.at.line);
  if (is_python) {
    write_text(json, "language", "python");
  } else {
    json.key("address");
    json.address(frame.at.address);
    json.key("object_offset");
    json.address(frame.object_offset);
  }
  json.end_object();
}

// With -k.
void write_stack(JsonWriter& json, const wc_host& host, const wc_stack_frame* frames,
                 uint32_t count) {
  if (host.stack_trace == 0 || count == 0) return;
  json.key("stack");
  json.begin_array();
  for (const wc_stack_frame& frame : std::span(frames, count)) write_frame(json, frame);
  json.end_array();
}

void write_chain(JsonWriter& json, const wc_syscall& event) {
  if (event.chain == nullptr || event.chain_length < 2) return;
  json.key("chain");
  json.begin_array();
  for (const char* name : std::span(event.chain, event.chain_length)) json.string(view(name));
  json.end_array();
}

class JsonBackend {
 public:
  explicit JsonBackend(const wc_host& host) : sink_(host) {}

  void begin_run();
  void flush() { begin_run(); }
  void call(const wc_call& event);
  void syscall_exit(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  void object(const wc_object& event);
  void lost(const wc_lost& event);

 private:
  JsonWriter begin(std::string_view type, uint64_t ts) {
    begin_run();
    JsonWriter json(sink_.buffer());
    json.begin_object();
    json.member("type", type);
    json.member("ts", ts);
    return json;
  }
  void end(JsonWriter& json) {
    json.end_object();
    sink_.buffer() += '\n';
    sink_.send();
  }
  void write_result(JsonWriter& json, const wc_syscall& event);
  void write_exit(JsonWriter& json, const wc_process& event);
  void write_signal(JsonWriter& json, std::string_view key, int signal);

  Sink sink_;
  std::string text_;  // reused for composed strings
  bool has_begun_ = false;
};

// With the first event, or soon without one: a run that is refused after this back end has been
// opened leaves no line.
void JsonBackend::begin_run() {
  if (std::exchange(has_begun_, true)) return;
  JsonWriter json(sink_.buffer());
  write_run(json, sink_.host());
  sink_.buffer() += '\n';
  sink_.send();
}

void JsonBackend::call(const wc_call& event) {
  JsonWriter json = begin("call", event.ts);
  json.member("pid", event.pid);
  json.member("tid", event.tid);
  json.member("call", event.id);
  if (event.parent != 0) json.member("parent", event.parent);
  json.member("depth", event.depth);
  if (event.weight > 1) json.member("weight", event.weight);
  write_text(json, "function", event.function);
  write_text(json, "library", event.library);
  write_args(json, event.args, event.nargs);
  write_caller(json, event.caller);
  write_stack(json, sink_.host(), event.frames, event.frame_count);
  end(json);
}

void JsonBackend::write_result(JsonWriter& json, const wc_syscall& event) {
  json.key("ret");
  if (event.value != nullptr) {
    write_arg(json, *event.value);
  } else {
    json.number(event.ret);
  }
  if (event.error == 0) return;
  if (event.error_name == nullptr) text_ = "errno " + std::to_string(event.error);
  json.member("error", event.error_name != nullptr ? view(event.error_name) : text_);
}

void JsonBackend::syscall_exit(const wc_syscall& event) {
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  JsonWriter json = begin("syscall", event.ts);
  json.member("dur", event.dur);
  json.member("pid", event.pid);
  json.member("tid", event.tid);
  if (event.call != 0) {
    json.member("call", event.call);
    write_text(json, "function", event.function);
    write_chain(json, event);
  }
  write_text(json, "name", event.name);
  json.member("nr", event.nr);
  write_args(json, event.args, event.nargs);
  text_ = view(event.name);
  text_ += '(';
  text_ += view(event.args_text);
  text_ += ") = ";
  text_ += has_result ? view(event.ret_text) : "?";
  append_tampering(text_, event.flags);
  json.member("text", std::string_view(text_));
  if (has_result) write_result(json, event);
  write_text(json, "path", event.path);
  write_text(json, "fd_path", event.fd_path);
  if (event.injected != nullptr) {
    json.key("injected");
    json.begin_object();
    json.member((event.flags & WC_SYSCALL_BY_VERDICT) != 0 ? "backend" : "rule", event.rule);
    json.member("action", view(event.injected));
    json.end_object();
  }
  if ((event.flags & WC_SYSCALL_IN_SIGNAL) != 0) json.member("signal", true);
  write_stack(json, sink_.host(), event.frames, event.frame_count);
  end(json);
}

void JsonBackend::ret(const wc_return& event) {
  const bool unwound = (event.flags & WC_RETURN_UNWOUND) != 0;
  JsonWriter json = begin("return", event.ts);
  json.member("dur", event.dur);
  json.member("pid", event.pid);
  json.member("tid", event.tid);
  json.member("call", event.call);
  if (unwound) {
    json.member("unwound", true);
  } else if (event.value != nullptr) {
    json.key("ret");
    write_arg(json, *event.value);
  } else if (!view(event.ret_text).empty() && (event.flags & WC_RETURN_NEVER) == 0) {
    // A host that does not say the type.
    json.member("ret", static_cast<int64_t>(event.ret));
  }
  end(json);
}

void JsonBackend::write_signal(JsonWriter& json, std::string_view key, int signal) {
  text_.clear();
  append_signal_name(text_, signal);
  json.member(key, std::string_view(text_));
}

void JsonBackend::write_exit(JsonWriter& json, const wc_process& event) {
  if (WIFSIGNALED(event.status)) {
    write_signal(json, "killed", WTERMSIG(event.status));
    if (WCOREDUMP(event.status)) json.member("core", true);
  } else {
    json.member("status", WEXITSTATUS(event.status));
  }
  if (event.thread != 0) json.member("thread", true);
}

void JsonBackend::process(const wc_process& event) {
  static constexpr std::string_view kNames[] = {"start", "fork", "exec", "exit", "signal", "stop"};
  if (event.event >= std::size(kNames)) return;  // from a newer host
  if (event.quiet != 0) return;
  JsonWriter json = begin("process", event.ts);
  json.member("pid", event.pid);
  json.member("tid", event.tid);
  json.member("event", kNames[event.event]);
  switch (event.event) {
    case WC_PROCESS_FORK:
      json.member("child", event.child);
      json.member("thread", event.thread != 0);
      break;
    case WC_PROCESS_EXIT:
      write_exit(json, event);
      break;
    case WC_PROCESS_SIGNAL:
    case WC_PROCESS_STOP:
      write_signal(json, "signal", event.signal);
      write_stack(json, sink_.host(), event.frames, event.frame_count);
      break;
    default:
      write_text(json, "path", event.path);
  }
  end(json);
}

void JsonBackend::object(const wc_object& event) {
  JsonWriter json = begin("object", event.ts);
  json.member("pid", event.pid);
  json.member("event", std::string_view(event.event == WC_OBJECT_UNLOAD ? "unload" : "load"));
  write_text(json, "path", event.path);
  json.key("base");
  json.address(event.base);
  write_text(json, "how", event.how);
  write_text(json, "by", event.by);
  write_text(json, "build_id", event.build_id);
  if (event.dur != 0) json.member("dur", event.dur);
  if (event.tid != 0) json.member("tid", event.tid);
  if (event.call != 0) json.member("call", event.call);
  write_caller(json, event.caller);
  end(json);
}

void JsonBackend::lost(const wc_lost& event) {
  JsonWriter json = begin("lost", event.ts);
  json.member("pid", event.pid);
  json.member("count", event.count);
  end(json);
}

JsonBackend& self(void* context) { return *static_cast<JsonBackend*>(context); }

int open_json(void** context, const wc_host* host, char*, size_t) {
  *context = new JsonBackend(*host);
  return 0;
}

}  // namespace

const wc_backend* json_backend() {
  static constexpr wc_backend kJson = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "json",
      .wants =
          WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME | WC_WANT_PATHS,
      .options = "",
      .open = open_json,
      .call = forward<&JsonBackend::call>,
      .syscall_exit = forward<&JsonBackend::syscall_exit>,
      .ret = forward<&JsonBackend::ret>,
      .process = forward<&JsonBackend::process>,
      .object = forward<&JsonBackend::object>,
      .lost = forward<&JsonBackend::lost>,
      .flush = [](void* context, uint64_t) { self(context).flush(); },
      .close = [](void* context) { delete static_cast<JsonBackend*>(context); },
  };
  return &kJson;
}

}  // namespace wc::backends
