// What is neither a call nor a syscall: processes, signals, totals, shared objects.
#include <cstring>

#include "events/event_args.h"
#include "events/pipeline.h"
#include "symbols/memory_map.h"

namespace wc {
namespace {

wc_process process_event(uint64_t ts, int32_t pid, int32_t tid, wc_process_kind kind) {
  wc_process event{};
  event.ts = ts;
  event.pid = pid;
  event.tid = tid;
  event.event = kind;
  return event;
}

// From the program, or, where that is gone, what its shim has kept.
std::string read_name(const EventSource& source, uint32_t row, uint64_t at) {
  constexpr size_t kMaxName = 256;
  char bytes[kMaxName];
  const size_t size = source.memory->read({at}, bytes, sizeof bytes);
  if (size != 0 || source.shared == nullptr) return {bytes, strnlen(bytes, size)};
  std::memcpy(bytes, source.shared->own_scope_names[row % WC_OWN_SCOPES], WC_SCOPE_NAME);
  return {bytes, strnlen(bytes, WC_SCOPE_NAME)};
}

}  // namespace

void Pipeline::started(int32_t pid, const std::string& path) {
  wc_process event = process_event(clock_.moment(), pid, pid, WC_PROCESS_START);
  event.path = path.c_str();
  events_.process(event);
}

void Pipeline::forked(int32_t pid, int32_t tid, int32_t child, bool thread) {
  wc_process event = process_event(clock_.moment(), pid, tid, WC_PROCESS_FORK);
  event.child = child;
  event.thread = thread ? 1 : 0;
  events_.process(event);
}

void Pipeline::executed(int32_t pid, int32_t tid, const std::string& path) {
  wc_process event = process_event(clock_.moment(), pid, tid, WC_PROCESS_EXEC);
  event.path = path.c_str();
  events_.process(event);
}

void Pipeline::signalled(int32_t pid, int32_t tid, int signal, const void* siginfo,
                         const Stack* stack) {
  wc_process event = process_event(clock_.moment(), pid, tid, WC_PROCESS_SIGNAL);
  event.signal = signal;
  if (stack != nullptr) fill_frames(*stack, event);
  std::string text = signal_name(signal) + " " + siginfo_text(siginfo);
  event.text = text.c_str();
  events_.process(event);
}

void Pipeline::stopped(int32_t pid, int32_t tid, int signal) {
  wc_process event = process_event(clock_.moment(), pid, tid, WC_PROCESS_STOP);
  event.signal = signal;
  events_.process(event);
}

void Pipeline::exited(int32_t pid, int32_t tid, int status, bool thread) {
  wc_process event = process_event(clock_.moment(), pid, tid, WC_PROCESS_EXIT);
  event.status = status;
  event.thread = thread ? 1 : 0;
  if (!thread) loading_.erase(pid);
  events_.process(event);
}

void Pipeline::phase(int32_t pid, int32_t tid, const char* name, const std::string& library) {
  if (std::string_view(name) == "loader")
    loading_.insert(pid);
  else
    loading_.erase(pid);
  wc_process event = process_event(clock_.moment(), pid, tid, WC_PROCESS_PHASE);
  event.text = name;
  if (!library.empty()) event.path = library.c_str();
  backends_.phase(event);
}

void Pipeline::totals(int32_t pid, const FunctionInfo& function, const wc_counter& counter,
                      uint32_t flags) {
  wc_totals event{};
  event.pid = pid;
  event.flags = flags;
  event.function = function.name.c_str();
  event.library = function.library.c_str();
  event.kind = function.kind;
  event.calls = counter.calls;
  event.ns = clock_.duration(counter.ticks);
  backends_.totals(event);
}

const FunctionInfo& Pipeline::own_scope(const EventSource& source, uint32_t row, uint64_t name) {
  if (const FunctionInfo* known = source.own_scopes->find(row)) return *known;
  const Symbolizer::Code place = symbols_.code_at(source.pid, name);
  std::string object = place.mapping != nullptr ? place.mapping->path : "";
  return source.own_scopes->learn(row, read_name(source, row, name),
                                  object.substr(object.rfind('/') + 1));
}

void Pipeline::object(const EventSource& source, wc_object event, const StackFrame* caller) {
  event.ts = clock_.moment();
  event.pid = source.pid;
  event.tid = source.tid;
  if (caller != nullptr) {
    event.caller = caller_event(caller->at, caller->ip);
    if (const auto& open = source.calls->calls(); !open.empty()) event.call = open.back().id;
  }
  backends_.object(event);
}

void Pipeline::lost(int32_t pid, uint64_t count) {
  wc_lost event{};
  event.ts = clock_.moment();
  event.pid = pid;
  event.count = count;
  backends_.lost(event);
}

}  // namespace wc
