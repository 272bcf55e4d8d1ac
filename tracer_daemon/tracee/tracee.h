// What the tracer keeps of processes and threads.
#pragma once

#include <linux/prctl.h>
#include <sys/resource.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "breakpoints/breakpoints.h"
#include "events/break_scope.h"
#include "events/call_stack.h"
#include "events/function_table.h"
#include "events/pipeline.h"
#include "kernel/borrowed_memory.h"
#include "kernel/process_memory.h"
#include "kernel/remote_syscall.h"
#include "kernel/stopped_thread.h"
#include "objects/library_watch.h"
#include "objects/object_history.h"
#include "rings/process_share.h"
#include "rules/rule_set.h"

namespace wc {

// Addresses inside the shim, as its HELLO has them.
struct ShimAddresses {
  uint64_t bell = 0, gadget = 0;
  uint64_t landing = 0, landing_saved = 0, landing_restored = 0, landing_end = 0;
  uint64_t exempt_begin = 0, exempt_end = 0;
  uint64_t thunks = 0, thunks_end = 0, site = 0, site_end = 0;  // patched sites lead here
  uint64_t site_return = 0;  // behind the syscall that is recorded
  uint64_t copy = 0, copy_end = 0;
  int64_t selector_offset = 0;
  uint64_t injection = 0;
  uint64_t state = 0, state_size = 0;  // of the process, which a forked child must not have
  wc_again again{};                    // known once a thread has its slot
  AddressRange text;                   // all of its code; looked up when first needed

  // With which syscalls that are issued elsewhere raise SIGSYS, where `selector` says so.
  [[nodiscard]] StoppedThread::Dispatch dispatch(uint64_t selector) const {
    return {PR_SYS_DISPATCH_ON, selector, exempt_begin, exempt_end - exempt_begin};
  }

  // Of system calls in a thread's name.
  [[nodiscard]] InjectionPlace place() const { return {gadget, injection}; }

  // A syscall from here is the shim's own. What runs at the gadget and on the landing pad is the
  // program's.
  [[nodiscard]] bool issues(uint64_t ip) const {
    return ip >= exempt_begin && ip < exempt_end && ip != gadget + 2 && ip != landing + 2 &&
           !(ip > thunks && ip <= thunks_end) && !(ip > site && ip <= site_end);
  }
};

static_assert(sizeof(wc_injection) == sizeof(InjectionReturn) &&
              offsetof(wc_injection, rip) == offsetof(InjectionReturn, rip) &&
              offsetof(wc_injection, thread) == offsetof(InjectionReturn, thread));

inline constexpr uint64_t kSignals = 64;
inline constexpr uint64_t kSigIgn = 1;  // SIG_IGN as wc_action.handler; 0 is SIG_DFL

// --scope=main: between the entry of main and its return, or exit(3).
struct MainSpan {
  enum class State : uint8_t { Before, In, After };
  State state = State::Before;
  uint64_t sp = 0;                 // where its return address is
  uint64_t caller = 0;             // that address
  std::vector<wc_counter> counts;  // of wrapped functions at its entry; then, of its span
};

// What a new program is to try before ld.so does (preload_trial.cpp).
struct PreloadTrial {
  std::string library;        // one that it was given to load; empty: nothing
  uint64_t stack_before = 0;  // without our LD_PRELOAD
};

// One address space and what its shim has said of it. The tracer thread's alone.
struct Process {
  Process(pid_t p, Kernel& kernel) : pid(p), memory(p, kernel) {}

  pid_t pid;
  ProcessMemory memory;
  std::shared_ptr<const FunctionTable> table;  // null: not wrapped
  OwnScopes own_scopes;
  std::shared_ptr<ProcessShare> share;         // null: its shim has not said hello
  wc_gate gate = WC_GATE_OFF;                  // once it has
  wc_gate asked_gate = WC_GATE_TRAP;           // the run's
  bool watches_all = false;                    // the run's: its threads stop at every syscall
  std::optional<rlimit> own_descriptor_limit;  // raised for the handshake
  ShimAddresses shim;
  AddressRange
      not_shim;  // process scope, before HELLO: code that was looked up and is not the shim's
  std::array<uint64_t, kSignals + 1> hidden_action_masks{};  // by signal: as Thread::hidden_mask
  // By what action it ignores SIGTRAP and SIGSYS (WC_AGAIN_SIGTRAP, ...); handler 0: it does not.
  std::array<wc_action, WC_AGAIN_SIGNALS> ignored{};
  uint64_t handled = 0;        // those of the two that a handler was called for, be it the shim's
  uint64_t added_nodefer = 0;  // signals to whose handler the tracer has added SA_NODEFER
  unsigned threads = 0;
  std::string program;          // its path, as it was at the exec
  bool is_to_be_wiped = false;  // its shim's state, which is its parent's
  bool awaits_hello = false;    // it was given the shim at its exec
  bool started = false;         // has run its first program
  bool is_job_stopped = false;  // by SIGSTOP and its like, and SIGCONT has not been delivered yet
  bool patched = false;         // its syscall sites lead to the shim, or never will
  std::shared_ptr<const FunctionModes> modes;  // of `table`; null: all are reported
  uint64_t modes_generation = 0;               // of the switch, as the process has it; 0: none
  uint64_t function_rows = 0;                  // where it has its wc_functions; 0: not known
  RuleCounts rule_counts;
  bool said_corrupt = false;     // that its ring is
  bool said_unwritable = false;  // that its memory is
  PreloadTrial preload_trial;

  // Breakpoints, see break_scopes.cpp. Shared by processes that share memory; null: none.
  std::shared_ptr<Breakpoints> breaks;
  std::shared_ptr<FunctionTable> break_table;  // only ever grows
  std::vector<wc_counter> break_counts;        // by function, with WC_CONFIG_COUNTS
  std::set<std::string> found_in_program;      // terms of -B
  LibraryWatch libraries;
  ObjectHistory objects;  // --objects
  MainSpan main;
  // With WC_WANT_PHASES: by the address of its first constructor, the path of a library.
  std::map<uint64_t, std::string> constructors;
  bool attached = false;     // ran before it was traced, and will afterwards
  bool shares_text = false;  // with the process that it comes from
  bool unfollowed = false;   // only until its text is free of breakpoints

  // At an exec: another address space, another program, nothing of the old one's.
  void begin_program() {
    share.reset();
    own_scopes = {};
    gate = WC_GATE_OFF;
    memory.open();
    table = nullptr;
    modes = nullptr;
    modes_generation = function_rows = 0;
    shim = {};
    not_shim = {};
    patched = false;
    added_nodefer = 0;
    ignored = {};  // the kernel has it; the shim will say so
    handled = 0;
    hidden_action_masks = {};  // handlers do not survive an exec
  }

  // Until its shim has said hello, what is asked for.
  [[nodiscard]] wc_gate gate_in_force() const { return gate != WC_GATE_OFF ? gate : asked_gate; }

  // Where there are several threads, the shim does not ignore the gate's signals by itself.
  void publish_thread_count() const {
    if (share != nullptr) share->header().many_threads = threads > 1 ? 1 : 0;
  }
};

// What is kept from the program about SIGSYS and SIGTRAP while one of its signal syscalls runs.
struct SignalCall {
  bool watched = false;       // its exit must be seen
  bool adds_nodefer = false;  // SA_NODEFER was added to a handler for one of the gate's signals
  bool replaced = false;  // it reads a changed copy of the program's mask; own_set is the original
  uint64_t own_set = 0;
  // What the changed copy has taken the place of, where that is the program's own memory.
  OverwrittenMemory place;
  uint64_t hidden_after = 0;  // Thread::hidden_mask once it has succeeded
  wc_action action{};         // that it sets, as the program gave it
};

// A verdict, as a rule would say it.
struct DecidedAction {
  RuleAction action;
  std::string text;
};

// What is done to a syscall that is under way (gates/tampering.h): by a rule, or by what a back end
// has decided.
struct Tampered {
  const RuleAction* action = nullptr;            // null: nothing
  size_t rule = 0;                               // its number
  std::shared_ptr<const DecidedAction> decided;  // by a back end: it owns `action`
  std::array<uint64_t, 6> own_args{};            // as the program has them
  bool changed_args = false;
  std::vector<OverwrittenMemory> places;  // to be put back
};

// A syscall that was entered and has not come back. Several stand at once when signal
// handlers interrupt one another; they are told apart by stack pointer.
struct Inflight {
  PendingSyscall syscall;
  uint64_t sp = 0;
  uint64_t ip = 0;           // where the program continues: behind its syscall instruction
  uint64_t since = 0;        // of calls with a time limit: when it was entered
  bool landing = false;      // on the landing pad: completes without a stop
  SignalCall signals;        // rt_sigprocmask and rt_sigaction, see signal_masks.cpp
  bool interrupted = false;  // left with ERESTART...: will come again, or end as EINTR
  Tampered tampered;
};

// Thread::hidden_mask as it was where a signal handler whose action blocks more has interrupted it.
struct InterruptedMask {
  uint64_t sp = 0;
  uint64_t hidden = 0;
};

// A wait with a time limit that is issued again, see time_limits.cpp.
struct ShortenedWait {
  bool active = false;
  uint64_t sp = 0, nr = 0;
  uint64_t deadline = 0;      // CLOCK_MONOTONIC, nanoseconds
  uint64_t own_argument = 0;  // the limit as the program has given it
  OverwrittenMemory place;    // of what is left, where that stands on its stack
  bool own_stops = false;     // nothing else would make it stop at its exit
};

// A child that runs on its parent's memory and thread area until it execs or exits (vfork,
// posix_spawn).
struct SharedMemoryChild {
  bool active = false;
  uint32_t base_depth = 0;  // scopes below are the parent's
  uint32_t gate_open = 0;   // the parent's, restored afterwards
};

// Whether the thread stops at its syscalls (PTRACE_SYSCALL).
enum class SyscallWatch : uint8_t {
  None,
  Scope,       // while a scope is open
  OneSyscall,  // dispatch gate: clone and its kin, which run at their own place
};

// Where the thread is, seen by those stops.
enum class SyscallPosition : uint8_t {
  Outside,
  Watched,    // between entry and exit of a syscall that is in `inflight`
  Unwatched,  // of one that is nobody's business: the shim's, or of no call
};

struct Thread {
  Thread(pid_t t, std::shared_ptr<Process> p) : tid(t), process(std::move(p)) {}

  pid_t tid;
  std::shared_ptr<Process> process;
  int slot = -1;
  CallStack calls;
  std::vector<Inflight> inflight;
  SyscallWatch watch = SyscallWatch::None;
  SyscallPosition position = SyscallPosition::Outside;
  uint32_t restarts = 0;      // process scope: the syscall that restart_syscall(2) would go on with
  bool ended = false;         // its last records are being read
  bool dispatch_off = false;  // its gate was shut without its selector, which cannot be written
  bool own_dispatch = false;  // uses Syscall User Dispatch for itself: its SIGSYS are its own

  // Open calls by breakpoint, outermost first, and how many there ever were.
  std::vector<BreakScope> breaks;
  uint64_t break_calls = 0;
  std::vector<wc_scope> merged;       // scratch of OpenScopes::live()
  std::vector<wc_scope> switched_on;  // and of OpenScopes::wrapped()
  // A breakpoint that has been served; a signal came before the displaced instruction ran.
  struct {
    uint64_t address = 0, sp = 0;
  } served;
  bool begins = false;       // an execve is about to return: breakpoints are to be placed
  bool interrupted = false;  // PTRACE_INTERRUPT, to attach or to detach

  ShortenedWait wait;
  int forced = 0;  // a signal that the kernel is to force though it is blocked; it ends the process
  bool steps_into_handler = false;
  bool left_way = false;      // a signal came while it was on gate_signals::by_way_of()'s way
  bool is_new_child = false;  // of many threads, and has not run yet
  SharedMemoryChild shares;
  std::vector<uint64_t> handlers;  // stack pointers that running signal handlers have interrupted
  std::vector<InterruptedMask> interrupted_masks;
  uint64_t hidden_mask = 0;  // signals that the program has blocked and the kernel has not
  uint64_t mask_beside = 0;  // what the kernel had blocked when that was set
  std::shared_ptr<const Stack> stack;  // where it stands, if that is wanted; of this stop only
  uint32_t awaited_bell = 0;           // socket gate: interrupted to answer this bell
  bool awaits_bell = false;
  uint64_t dropped = 0;  // syscalls of its slot that are known to be lost
  RuleCounts rule_counts;
  int rule_signal = 0;      // to be sent when it is resumed from this stop
  uint64_t delayed_by = 0;  // nanoseconds that it is to stand here

  // At an exec, beside Process::begin_program().
  void begin_program() {
    slot = -1;
    served = {};
    handlers.clear();
    interrupted_masks.clear();
    watch = SyscallWatch::None;
    position = SyscallPosition::Outside;
    own_dispatch = false;
  }

  [[nodiscard]] bool is_watched() const { return watch != SyscallWatch::None; }
  [[nodiscard]] uint32_t slot_index() const { return static_cast<uint32_t>(slot); }

  // What it shares with the tracer; null: nothing, or no slot of it.
  [[nodiscard]] ProcessShare* share() const { return slot < 0 ? nullptr : process->share.get(); }

  [[nodiscard]] EventSource source() {
    return {.pid = process->pid,
            .tid = tid,
            .memory = &process->memory,
            .table = process->table.get(),
            .calls = &calls,
            .breakpoints = process->break_table.get(),
            .own_scopes = &process->own_scopes,
            .shared = process->share != nullptr ? &process->share->header() : nullptr,
            .stack = stack,
            .open_breaks = breaks,
            .modes = process->modes.get()};
  }
};

}  // namespace wc
