#include "explore/trace.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace wc::explore {
namespace {

using Json = nlohmann::json;

// A parent that is its own ancestor would be followed for ever.
constexpr std::size_t kMostOpen = 4096;

Place to_place(const Json& object) {
  Place place;
  place.object = object.value("object", "");
  place.symbol = object.value("symbol", "");
  place.offset = object.value("offset", uint64_t{0});
  place.file = object.value("file", "");
  place.line = object.value("line", uint64_t{0});
  return place;
}

std::vector<std::string> to_stack(const Json& frames) {
  std::vector<std::string> stack;
  for (const Json& frame : frames) stack.push_back(place_text(to_place(frame)));
  return stack;
}

class Reader {
 public:
  void take(const Json& event) {
    const std::string type = event.value("type", "");
    if (type == "call")
      take_call(event);
    else if (type == "syscall")
      take_syscall(event);
    else if (type == "process")
      take_process(event);
  }

  Trace result() && { return std::move(trace_); }

 private:
  void take_call(const Json& event) {
    Call call;
    call.function = event.value("function", "");
    call.library = event.value("library", "");
    call.parent = event.value("parent", uint64_t{0});
    if (event.contains("caller")) call.caller = to_place(event["caller"]);
    trace_.calls[event.value("call", uint64_t{0})] = std::move(call);
  }

  void take_syscall(const Json& event) {
    Syscall syscall;
    syscall.name = event.value("name", "");
    syscall.call = event.value("call", uint64_t{0});
    syscall.tid = event.value("tid", pid_t{0});
    syscall.error = event.value("error", "");
    syscall.injected = event.contains("injected");
    trace_.syscalls.push_back(std::move(syscall));
  }

  void take_process(const Json& event) {
    const std::string what = event.value("event", "");
    const pid_t pid = event.value("pid", pid_t{0});
    if (what == "start" && trace_.program == 0) trace_.program = pid;
    if (what == "exec") trace_.executions++;
    if (what == "signal" && event.contains("stack")) last_stack_[pid] = to_stack(event["stack"]);
    if (what != "exit" || event.value("thread", false)) return;
    if (pid == trace_.program) trace_.program_ends = true;
    const std::string signal = event.value("killed", "");
    if (!signal.empty()) trace_.deaths.push_back({pid, signal, last_stack_[pid]});
  }

  Trace trace_;
  std::map<pid_t, std::vector<std::string>> last_stack_;
};

}  // namespace

std::vector<const Call*> Trace::open_calls(const Syscall& syscall) const {
  std::vector<const Call*> open;
  auto call = calls.find(syscall.call);
  while (call != calls.end() && open.size() < kMostOpen) {
    open.push_back(&call->second);
    call = calls.find(call->second.parent);
  }
  return open;
}

Result<Trace> read_trace(const std::string& path) {
  std::ifstream file(path);
  Reader reader;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      reader.take(Json::parse(line));
    } catch (const Json::exception&) {
      // A tracer that was killed leaves half a line, the last one.
      if (file.peek() == std::ifstream::traits_type::eof()) break;
      return Error{fmt::format("line {} of a run's trace is no event", number)};
    }
  }
  return std::move(reader).result();
}

std::string place_text(const Place& place) {
  const std::string_view object = base_name(place.object);
  if (place.symbol.empty())
    return object.empty() ? std::string("?") : fmt::format("{}+{:#x}", object, place.offset);
  std::string text = fmt::format("{}+{:#x}", place.symbol, place.offset);
  if (!place.file.empty()) {
    text += fmt::format(" at {}", place.file);
    if (place.line != 0) text += fmt::format(":{}", place.line);
  } else if (!object.empty()) {
    text += fmt::format(" in {}", object);
  }
  return text;
}

}  // namespace wc::explore
