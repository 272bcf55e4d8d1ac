// From what the engine saw to what the backends are told: numbers the calls, decodes arguments,
// finds callers. One instance, used by the tracer thread only.
// pipeline.cpp: calls and syscalls; recorded.cpp: those that engine inproc has recorded;
// process_events.cpp: all else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backend_host/backend_set.h"
#include "base/tracee_memory.h"
#include "decode/decoder.h"
#include "decode/syscall_filter.h"
#include "events/call_stack.h"
#include "events/event_filter.h"
#include "events/event_source.h"
#include "events/flight_watch.h"
#include "events/journal.h"
#include "events/tick_clock.h"
#include "interpreter/interpreters.h"
#include "rings/record_reader.h"
#include "symbols/symbolizer.h"
#include "symbols/unwinder.h"

namespace wc {

// A syscall between its entry and its exit.
struct PendingSyscall {
  uint64_t ts = 0;
  uint32_t nr = 0;
  uint64_t args[6] = {};
  uint64_t call = 0;
  uint32_t depth = 0;
  bool reported = false;
  bool in_signal = false;
  bool touches_a_path = true;   // that -P names
  std::vector<uint32_t> chain;  // function indices, outermost first
  std::vector<DecodedArg> decoded;
  std::shared_ptr<const Stack> stack;     // where it was issued, if that is wanted
  std::string path, fd_path;              // if that is wanted
  const std::string* injected = nullptr;  // what a rule has done; null: none has
  uint32_t rule = 0;
  uint32_t rule_flags = 0;  // WC_SYSCALL_INJECTED, WC_SYSCALL_DELAYED, ...
  uint64_t on_tape = 0;     // its number there; 0: it is not

  // As new, but for the room that its parts have.
  void reset() {
    ts = call = 0;
    depth = 0;
    reported = in_signal = false;
    touches_a_path = true;
    chain.clear();
    stack.reset();
    path.clear();
    fd_path.clear();
    injected = nullptr;
    rule_flags = 0;
    on_tape = 0;
  }
};

struct StackOptions {
  std::string shim_path;            // as /proc/PID/maps names it
  unsigned depth = kMaxStackDepth;  // --stack-depth
  FrameChoice frames = FrameChoice::Native;
};

// What becomes of a run on a tape: it is written, where a back end wants it (WC_WANT_RAW), or it
// comes from one.
struct Recording {
  std::string head;  // of the run, as the tape says it
  Answers* answers = nullptr;
  CodeSource* code = nullptr;
  FlightOptions flight;
};

class Pipeline {
 public:
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  Pipeline(BackendSet backends, DecodeOptions options, const SyscallSet& filter,
           const StackOptions& stacks = {}, EventFilterOptions events = {},
           const Recording& recording = {});

  BackendSet& backends() { return backends_; }
  [[nodiscard]] bool reports(uint32_t nr) const { return nr >= filter_.size() || filter_[nr]; }
  void report_only(const SyscallSet& filter) { filter_ = filter; }
  TickClock& clock() { return clock_; }

  Journal& journal() { return journal_; }

  [[nodiscard]] bool wants_text() const { return wants(WC_WANT_TEXT); }
  [[nodiscard]] DecodeContext decode_context(const EventSource& source) const {
    return {*source.memory, options_, source.pid};
  }
  [[nodiscard]] bool wants_stacks() const { return backends_.wants(WC_WANT_STACK); }
  // C functions only.
  std::shared_ptr<const Stack> unwind(const EventSource& source, const StackRegisters& registers) {
    return std::make_shared<const Stack>(unwinder_.unwind(source.pid, registers, *source.memory));
  }
  // With the functions of an interpreter, where these are asked for. The thread stands still.
  std::shared_ptr<const Stack> stack_at_stop(const EventSource& source,
                                             const StackRegisters& registers);
  Interpreters& interpreters() { return interpreters_; }
  Symbolizer& symbols() { return symbols_; }

  // What the thread appended to its ring. `next`: the record behind it, null if there is none yet.
  // False: it makes no sense, nothing was reported.
  bool record(EventSource source, const RecordView& seen, const RecordView* next);
  // Ends known calls that are not among `scopes`.
  void drop_missing(const EventSource& source, std::span<const wc_scope> scopes);
  // The thread runs another program now: calls that have asked for it have succeeded, all are over.
  void end_replaced(const EventSource& source);
  // Reports the scopes that are not known yet. `for_syscall`: because a syscall is about to be
  // reported under them; else because all calls are wanted. The caller marks the scopes as
  // reported.
  void open_calls(const EventSource& source, std::span<const wc_scope> scopes, bool for_syscall,
                  bool has_call_time);

  // What a back end has decided about it.
  BackendVerdict syscall_enter(const EventSource& source, PendingSyscall& syscall);
  // `end`: when it came back.
  void syscall_exit(const EventSource& source, PendingSyscall& syscall, int64_t ret, uint64_t end);
  // Whether what is shown of this syscall must be read from the tracee the moment it returns.
  [[nodiscard]] bool reads_memory_at_exit(uint32_t nr) const;
  // It never came back: exit, exec'ed away, killed.
  void syscall_ended(const EventSource& source, PendingSyscall& syscall);

  void started(int32_t pid, const std::string& path);
  void forked(int32_t pid, int32_t tid, int32_t child, bool thread);
  void executed(int32_t pid, int32_t tid, const std::string& path);
  // `stack`: where the thread stands; null: not wanted.
  void signalled(int32_t pid, int32_t tid, int signal, const void* siginfo, const Stack* stack);
  void stopped(int32_t pid, int32_t tid, int signal);
  void exited(int32_t pid, int32_t tid, int status, bool thread);
  // The process is in another phase of its life: see WC_PROCESS_PHASE.
  void phase(int32_t pid, int32_t tid, const char* name, const std::string& library);
  // `flags`: enum wc_totals_flags.
  void totals(int32_t pid, const FunctionInfo& function, const wc_counter& counter, uint32_t flags);
  // A scope that the program has named itself: what stands at `name`, and the object that it is in.
  const FunctionInfo& own_scope(const EventSource& source, uint32_t row, uint64_t name);
  // The caller of dlopen(3) or dlclose(3), where there is one.
  void object(const EventSource& source, wc_object event, const StackFrame* caller);
  void lost(int32_t pid, uint64_t count);
  void forget_process(int32_t pid);

 private:
  [[nodiscard]] bool wants(wc_want want) const {
    return only_taped_ ? backends_.demand().heard & want : backends_.wants(want);
  }
  std::shared_ptr<const Stack> stack_of_call(const EventSource& source, const wc_scope& scope);
  void note_paths(const EventSource& source, PendingSyscall& syscall) const;
  bool digest(EventSource& source, const RecordView& view, const RecordView* next);
  bool recorded_call(const EventSource& source, const RecordView& view);
  bool recorded_syscall(const EventSource& source, const RecordView& view);
  void open_call(const EventSource& source, const wc_scope& scope, uint64_t ts,
                 CallAudience audience);
  void announce(const EventSource& source, OpenCall& call, const wc_scope& scope,
                CallAudience audience);
  void decode_call(const EventSource& source, OpenCall& call, const wc_scope& scope);
  void decode_variadic(const EventSource& source, const FunctionSpec& spec, OpenCall& call,
                       const wc_scope& scope);
  BackendVerdict decide(const EventSource& source, const PendingSyscall& syscall);
  void ended(const EventSource& source, EndedCall& end);
  void finish_args(const EventSource& source, OpenCall& call, uint64_t ret);
  void finish_thin_call(const EventSource& source, const PendingSyscall& syscall, int64_t ret);
  void emit_exit(const EventSource& source, PendingSyscall& syscall, int64_t ret, uint64_t end,
                 uint32_t flags);
  void fill_call_args(const FunctionSpec* spec, const OpenCall& call,
                      const std::vector<DecodedArg>& shown);
  std::string result_text(const EventSource& source, const FunctionInfo& function,
                          const EndedCall& end);
  std::optional<TypedValue> typed_result(const EventSource& source, const FunctionInfo& function);
  template <typename Event>
  void fill_frames(std::span<const StackFrame> stack, Event& event);
  wc_syscall syscall_event(const EventSource& source, const PendingSyscall& syscall);

  BackendSet backends_;
  EventFilter events_;
  DecodeOptions options_;
  SyscallSet filter_;
  Symbolizer symbols_;
  Unwinder unwinder_;
  Interpreters interpreters_;
  unsigned depth_;  // of a stack
  std::unique_ptr<Tape> tape_;
  Journal journal_;
  bool only_taped_ = false;  // what is recorded now is for nobody's eyes
  uint64_t on_tape_ = 0;     // syscalls
  TickClock clock_;
  uint64_t next_call_ = 1;
  std::set<int32_t> loading_;           // processes in which ld.so maps libraries
  std::vector<wc_arg> args_;            // scratch
  std::vector<const char*> chain_;      // scratch
  std::vector<DecodedArg> shown_;       // scratch
  std::string args_text_, ret_text_;    // scratch: of the event reported last
  PendingSyscall recorded_;             // scratch
  std::vector<wc_stack_frame> frames_;  // scratch
};

// What back ends hold back, what they have so far, and their end. A replay repeats them.
void flush(Pipeline& pipeline, uint64_t now);
void snapshot(Pipeline& pipeline, uint64_t now);
// `ended`: when the run has; 0: now.
void close(Pipeline& pipeline, uint64_t ended = 0);

}  // namespace wc
