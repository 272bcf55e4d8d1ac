// What is neither a call nor a syscall: processes, signals, totals, shared objects.
#include <cstring>

#include "events/event_args.h"
#include "events/pipeline.h"
#include "events/taping.h"
#include "symbols/memory_map.h"

namespace wc {
namespace {

wc_process process_event(int32_t pid, int32_t tid, wc_process_kind kind, uint64_t now) {
  wc_process event{};
  event.ts = now;
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
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, pid);
  if (entry) tape_process(*tape_, WC_PROCESS_START, 0, false, path);
  wc_process event = process_event(pid, pid, WC_PROCESS_START, journal_.now());
  event.path = path.c_str();
  events_.process(event);
  journal_.flight.started(pid);
}

void Pipeline::forked(int32_t pid, int32_t tid, int32_t child, bool thread) {
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, tid);
  if (entry) tape_process(*tape_, WC_PROCESS_FORK, child, thread, {});
  wc_process event = process_event(pid, tid, WC_PROCESS_FORK, journal_.now());
  event.child = child;
  event.thread = thread ? 1 : 0;
  events_.process(event);
}

void Pipeline::executed(int32_t pid, int32_t tid, const std::string& path) {
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, tid);
  if (entry) tape_process(*tape_, WC_PROCESS_EXEC, 0, false, path);
  wc_process event = process_event(pid, tid, WC_PROCESS_EXEC, journal_.now());
  event.path = path.c_str();
  events_.process(event);
}

void Pipeline::signalled(int32_t pid, int32_t tid, int signal, const void* siginfo,
                         const Stack* stack) {
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, tid);
  if (entry) {
    tape_process(*tape_, WC_PROCESS_SIGNAL, signal, false, {},
                 {static_cast<const char*>(siginfo), sizeof(siginfo_t)});
    tape_stack(*tape_, stack);
  }
  wc_process event = process_event(pid, tid, WC_PROCESS_SIGNAL, journal_.now());
  event.signal = signal;
  if (stack != nullptr) fill_frames(*stack, event);
  std::string text = signal_name(signal) + " " + siginfo_text(siginfo);
  event.text = text.c_str();
  events_.process(event);
}

void Pipeline::stopped(int32_t pid, int32_t tid, int signal) {
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, tid);
  if (entry) tape_process(*tape_, WC_PROCESS_STOP, signal, false, {});
  wc_process event = process_event(pid, tid, WC_PROCESS_STOP, journal_.now());
  event.signal = signal;
  events_.process(event);
}

void Pipeline::exited(int32_t pid, int32_t tid, int status, bool thread) {
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, tid);
  if (entry) tape_process(*tape_, WC_PROCESS_EXIT, status, thread, {});
  wc_process event = process_event(pid, tid, WC_PROCESS_EXIT, journal_.now());
  event.status = status;
  event.thread = thread ? 1 : 0;
  if (!thread) loading_.erase(pid);
  if (entry) tape_->forget_thread(tid, !thread);
  events_.process(event);
  if (!thread) journal_.flight.exited(pid, status);
}

void Pipeline::phase(int32_t pid, int32_t tid, const char* name, const std::string& library) {
  const TapeEntry entry(tape_.get(), TapeOp::Process, pid, tid);
  if (entry) tape_process(*tape_, WC_PROCESS_PHASE, 0, false, name, library);
  if (std::string_view(name) == "loader")
    loading_.insert(pid);
  else
    loading_.erase(pid);
  wc_process event = process_event(pid, tid, WC_PROCESS_PHASE, journal_.now());
  event.text = name;
  if (!library.empty()) event.path = library.c_str();
  backends_.phase(event);
}

void Pipeline::totals(int32_t pid, const FunctionInfo& function, const wc_counter& counter,
                      uint32_t flags) {
  const TapeEntry entry(tape_.get(), TapeOp::Totals, pid, pid);
  if (entry) tape_totals(*tape_, function, counter.calls, clock_.duration(counter.ticks), flags);
  wc_totals event{};
  event.pid = pid;
  event.flags = flags;
  event.function = function.name.c_str();
  event.library = function.library.c_str();
  event.kind = function.kind;
  event.calls = counter.calls;
  event.ns = clock_.duration(counter.ticks);
  events_.totals(event);
}

const FunctionInfo& Pipeline::own_scope(const EventSource& source, uint32_t row, uint64_t name) {
  if (const FunctionInfo* known = source.own_scopes->find(row)) return *known;
  const Symbolizer::Code place = symbols_.code_at(source.pid, name);
  std::string object = place.mapping != nullptr ? place.mapping->path : "";
  const FunctionInfo& info = source.own_scopes->learn(row, read_name(source, row, name),
                                                      object.substr(object.rfind('/') + 1));
  if (tape_ != nullptr) tape_->own_scope(source.pid, row, info);
  return info;
}

void Pipeline::object(const EventSource& source, wc_object event, const StackFrame* caller) {
  const TapeEntry entry(tape_.get(), TapeOp::Object, source.pid, source.tid);
  if (entry) tape_object(*tape_, event, caller);
  event.ts = journal_.now();
  event.pid = source.pid;
  event.tid = source.tid;
  if (caller != nullptr) {
    event.caller = caller_event(caller->at, caller->ip);
    if (const auto& open = source.calls->calls(); !open.empty()) event.call = open.back().id;
  }
  backends_.object(event);
}

void Pipeline::lost(int32_t pid, uint64_t count) {
  const TapeEntry entry(tape_.get(), TapeOp::Lost, pid, pid);
  if (entry) tape_lost(*tape_, count);
  wc_lost event{};
  event.ts = journal_.now();
  event.pid = pid;
  event.count = count;
  backends_.lost(event);
}

void Pipeline::forget_process(int32_t pid) {
  {
    const TapeEntry entry(tape_.get(), TapeOp::Forget, pid, pid);
    if (entry) tape_->forget(pid);
  }
  journal_.flight.settle();
  unwinder_.forget(pid);
  interpreters_.forget(pid);
  symbols_.forget(pid);
}

void flush(Pipeline& pipeline, uint64_t now) {
  Journal& journal = pipeline.journal();
  journal.flight.settle();
  if (journal.tape != nullptr) {
    journal.tape->instant(TapeOp::Flush, now);
    journal.tape->flush(now);
  }
  pipeline.backends().flush(now);
}

void snapshot(Pipeline& pipeline, uint64_t now) {
  if (Tape* tape = pipeline.journal().tape) tape->instant(TapeOp::Snapshot, now);
  pipeline.backends().snapshot(now);
}

void close(Pipeline& pipeline, uint64_t ended) {
  Journal& journal = pipeline.journal();
  journal.flight.settle();
  if (journal.tape != nullptr) journal.tape->hand_out();
  pipeline.backends().close(ended);
}

}  // namespace wc
