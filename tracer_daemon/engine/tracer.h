// Engine `ptrace`: one thread that follows all traced processes. docs/architecture.md tells the
// life of a call under each gate.
//
// Threads: everything here runs on the tracer thread, but for SessionHost's functions, which the
// session thread calls: they post what is to be done, and touch nothing else.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "breakpoints/break_plan.h"
#include "breakpoints/guardian.h"
#include "engine/heartbeat.h"
#include "signals/passed_signals.h"
#include "program/program_tables.h"
#include "patch/site_patcher.h"
#include "tracee/tracee.h"
#include "program/unwrapped.h"
#include "events/pipeline.h"
#include "kernel/stopped_thread.h"
#include "proc/status.h"
#include "session/library_copies.h"
#include "session/server.h"

namespace wc {

struct TracerOptions {
  wc_gate gate = WC_GATE_TRAP;
  uint32_t config = 0;  // OR of enum wc_config
  bool follow = true;
  int verbose = 0;
  bool whole_process = false;  // --scope=process: all syscalls, with or without a call around them
  bool wraps = true;           // functions are wrapped
  std::string shim_path;       // as /proc/PID/maps names it
  SharedMemory shared_memory{};       // what is shared with each process comes from here
  bool standing = false;              // serve: goes on when no tracee is left
  bool signals_stop = false;          // signals to the tracer end it; else they are the program's
  SyscallPlans plans{};               // engine inproc: with WC_CONFIG_IN_PROCESS
  std::shared_ptr<BreakPlan> breaks;  // functions that get a breakpoint; null: none
  bool main_only = false;             // --scope=main
  bool watch_libraries = false;       // on_libraries_changed() is wanted for its own sake
  std::vector<std::string> patched_libraries;  // engine inproc: globs over file names
};

std::string hexadecimal(uint64_t value);

class Tracer final : public SessionHost {
 public:
  Tracer(TracerOptions options, ProgramTables& tables, Pipeline& pipeline,
         Kernel& kernel = Kernel::real());
  ~Tracer() override;

  // Traces `pid`, which has been seized and is about to exec its first program.
  void add_first(pid_t pid);
  // Whether children must be traced: also where they are not followed, for they inherit
  // breakpoints.
  [[nodiscard]] Follow follows_forks() const {
    return options_.follow || uses_breakpoints() ? Follow::Children : Follow::ThreadsOnly;
  }
  // Traces a process that runs already, all of its threads.
  Status attach(pid_t pid);
  // Until no tracee is left (or, standing, until a signal ends it). Returns the wait status of the
  // first program, or the error that kept it from being traced.
  Result<int> run();
  // The libraries that other users' programs have loaded.
  void remove_copies() { copies_ = {}; }
  // Whether some of the output could not be written (said by then).
  [[nodiscard]] bool output_failed() const { return output_failed_; }

  void on_hello(int32_t pid, const wc_hello& hello, std::function<void(Answer)> reply) override;
  void on_gate_connection(int32_t pid, ScopedFd connection) override;
  void on_attach(int32_t pid, std::function<void(const std::string&)> done) override;

 private:
  using ProcessPtr = std::shared_ptr<Process>;
  struct FirstStop {
    int status;
    uint64_t tick;
  };

  // tracer.cpp: the loop and what every engine state has in common
  Seen wait_for_stop();
  Seen next_in_turn();
  void on_seen(const Seen& seen);
  void on_stop(StoppedThread stop, Thread& thread);
  void on_event(StoppedThread stop, Thread& thread);
  void on_signal(StoppedThread stop, Thread& thread);
  bool read_clock_for_shim(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);
  void on_new_child(StoppedThread stop, Thread& parent);
  void on_vfork_done(StoppedThread stop, Thread& parent);
  void on_exec(StoppedThread stop, Thread& thread);
  void on_gone(const Seen& seen);
  Result<std::string> readable_preload(const Process& process, LibraryReader reader,
                                       const ProgramTables::Prepared& prepared);
  void prepare_program(const StoppedThread& stop, Thread& thread);
  void leave_unwrapped(const std::string& path, const std::string& why);
  static bool needs_trial(const proc::Status& status);
  void try_preload(StoppedThread& stop, Thread& thread);
  void tell_of_go(const std::string& path, bool is_first);
  void adopt(StoppedThread stop);
  void adopt_orphans();
  Thread& add_thread(pid_t tid, ProcessPtr process);
  ProcessPtr add_process(pid_t pid);
  void remove_process(const ProcessPtr& process);
  void resume(StoppedThread stop, Thread& thread, int signal = 0);
  void on_tick();
  void say(int level, const std::string& text) const;
  void say_unwritable(Process& process) const;

  // What the thread's slot says at this stop.
  ProcessShare* share_of(const Thread& thread) const;
  size_t drain(Thread& thread, uint64_t sp);
  void digest(Thread& thread, std::span<const wc_record> records);
  void on_corrupt_ring(Thread& thread);
  void drop_missing(Thread& thread, std::span<const wc_scope> scopes);
  void end_syscalls_from(Thread& thread, size_t position);
  std::span<const wc_scope> live_scopes(Thread& thread, uint64_t sp);
  std::span<const wc_scope> wrapped_scopes(Thread& thread, uint64_t sp);
  void end_scopes(Thread& thread);
  void report_calls(Thread& thread, std::span<const wc_scope> scopes, bool for_syscall);
  void on_bell(StoppedThread stop, Thread& thread, const user_regs_struct& regs);
  void patch_sites(Thread& thread);
  void answer_bell(Thread& thread, uint32_t slot, uint64_t sp);
  bool make_room(StoppedThread& stop, Thread& thread, uint32_t slot, uint64_t sp);
  void report_dropped(Thread& thread);
  void report_too_deep(Thread& thread);
  void announce_waiting(Thread& thread);
  void report_totals(const ProcessPtr& process);
  void report_own_scopes(Process& process, std::span<const uint64_t> names,
                         const std::vector<wc_counter>& counts);
  void report_counts(pid_t pid, const FunctionTable& table, const std::vector<wc_counter>& counts);
  void end_inflight(Thread& thread);
  void report_calls_up_to(Thread& thread, uint64_t seq);
  void report_pending(Thread& thread, const wc_pending& one, uint32_t flags, uint64_t ret,
                      uint64_t end);
  void complete_thin(Thread& thread);
  void end_pending(Thread& thread);
  void complete_pending(Thread& thread, const user_regs_struct& regs);
  void end_sharing(Thread& thread);

  // resting.cpp: how it waits while nothing happens
  Seen wait_by_descriptors();
  Seen wait_by_signal();
  [[nodiscard]] bool may_write_unseen(const Thread& thread) const;
  [[nodiscard]] bool is_quiet() const;
  [[nodiscard]] bool rests() const;
  void rest_if_quiet();
  void end_rest();

  // break_scopes.cpp
  void on_breakpoint(StoppedThread stop, Thread& thread, const user_regs_struct& regs);
  void serve_breakpoint(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
                        uint8_t roles);
  void on_break_entry(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void on_break_return(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void report_break_return(Thread& thread, const BreakScope& ended, const CallRegisters& returned);
  void watch_return(StoppedThread& stop, Thread& thread);
  void end_tail_calls(Thread& thread, const wc_scope& entered);
  static std::optional<BreakEnd> end_of_call(Process& process, uint64_t caller);
  static bool is_round_of_loop(Thread& thread, const wc_scope& entered, uint64_t entry);
  void end_handler_call(Thread& thread, uint64_t frame);
  void end_calls(Thread& thread, uint64_t sp, const CallRegisters& returned);
  void drop_left_breaks(Thread& thread, uint64_t sp);
  void pop_break(Thread& thread);
  void settle_return(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  static void leave_thunk(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);

  // break_values.cpp
  std::shared_ptr<const TypedArguments> break_arguments(const StoppedThread& stop, Thread& thread,
                                                        const user_regs_struct& regs,
                                                        const FunctionInfo& function);
  static CallRegisters break_results(const StoppedThread& stop, const Thread& thread,
                                     const user_regs_struct& regs, uint64_t sp);

  // break_placing.cpp
  struct LeftOut {
    size_t count = 0;
    const FunctionInfo* first = nullptr;
  };
  [[nodiscard]] bool uses_breakpoints() const;
  void inherit(const Process& parent, Process& child, bool shares_memory) const;
  static void run_on_memory_of(const Thread& parent, Thread& child);
  static void inherit_breakpoints(const Process& parent, Process& child, bool shares_memory);
  void begin_breakpoints(Thread& thread);
  void on_first_code(StoppedThread& stop, Thread& thread);
  void on_libraries_changed(StoppedThread& stop, Thread& thread, Occasion occasion);
  void protect(StoppedThread& stop, Thread& thread);
  void place_in_program(StoppedThread& stop, Thread& thread);
  void place_in_object(StoppedThread& stop, Process& process, const ObjectFile& object,
                       uint64_t base);
  void say_left_out(const ObjectFile& object, size_t selected,
                    const std::map<std::string, LeftOut>& left_out) const;
  void tell_of_replaced(const std::string& path) const;
  void place_internal(StoppedThread& stop, Process& process, uint64_t address, BreakRole role);
  [[nodiscard]] bool is_reported(const Thread& thread) const;
  void find_main_of_dynamic(StoppedThread& stop, Process& process, const ObjectFile& libc,
                            uint64_t base);
  void find_main_of_static(StoppedThread& stop, Thread& thread);
  void on_main_known(StoppedThread& stop, Thread& thread, uint64_t main);
  void on_main_entered(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void on_main_left(Thread& thread, uint64_t sp);
  std::vector<wc_counter> main_counts(Process& process) const;
  std::vector<wc_counter> wrapped_counts(Process& process) const;

  // attaching.cpp
  Status seize_all(const ProcessPtr& process);
  void place_in_running(StoppedThread& stop, Thread& thread);
  void on_asked_stop(StoppedThread& stop, Thread& thread);
  void ask_to_stop(Thread& thread);
  [[nodiscard]] bool awaits_stops(pid_t pid) const;
  void ask_another();
  struct Standing {
    StoppedThread stop;
    int signal;
  };
  std::vector<Standing> stop_attached();
  static bool makes_a_thread(int status);
  void detach_all();
  void free_of_breakpoints(Process& process);
  bool on_unfollowed(StoppedThread& stop, Thread& thread);
  void let_go(StoppedThread stop, Thread& thread, int signal);

  // interrupted.cpp: syscalls and the signals that interrupt them
  void note_handler(Thread& thread, int signal, uint64_t sp, const wc_scope& call);
  static void restore_hidden_mask(Thread& thread);
  static void drop_left_handlers(Thread& thread, uint64_t sp);
  void drop_left_syscalls(Thread& thread, uint64_t sp);
  void push_inflight(Thread& thread, Inflight entry);
  void park_interrupted(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);
  bool resumes_interrupted(Thread& thread, uint64_t sp, uint64_t ip, uint32_t nr);
  void on_sigreturn(Thread& thread, uint64_t sp);

  // signal_masks.cpp
  void on_signal_call(const StoppedThread& stop, Thread& thread, Inflight& entry);
  void on_action_call(const StoppedThread& stop, Thread& thread, Inflight& entry);
  void on_own_dispatch(Thread& thread, uint64_t mode);
  void replace_argument(const StoppedThread& stop, Thread& thread, Inflight& entry,
                        const void* bytes, size_t size);
  void say_untold(Process& process) const;
  void tell_of_hidden_signals(Thread& thread) const;
  void on_signal_call_exit(const StoppedThread& stop, Thread& thread, const Inflight& done,
                           int64_t ret);

  // ignored_signals.cpp
  [[nodiscard]] uint64_t gate_signals(const Process& process) const;
  [[nodiscard]] bool is_of_gate(const Process& process, int signal) const;
  static bool ignores(const Process& process, int signal);
  void learn_ignored(Process& process, wc_shared_header& header);
  static void count_threads(Process& process);
  [[nodiscard]] bool must_not_tell(const Process& process, int signal,
                                   const wc_action& action) const;
  void show_ignored(const Process& process, int signal, wc_action& old) const;
  static void ignore_in_child(StoppedThread& stop, Thread& child);
  void note_action(Thread& thread, int signal, const wc_action& action);
  void remember_ignored(Thread& thread, int signal, const wc_action& action);
  [[nodiscard]] bool is_ignored_unseen(const Process& process, int signal) const;
  void look_for_ignored(Thread& thread);
  enum class Towards { Any, Exec };
  uint64_t by_way_of(Thread& thread, uint64_t ip, Towards what = Towards::Any) const;
  void set_out_again(const StoppedThread& stop, Thread& thread, int signal,
                     const user_regs_struct& regs) const;
  bool leave_way(Thread& thread, user_regs_struct& regs) const;
  bool is_dropped(Thread& thread, const siginfo_t& info);
  bool find_lost_dispatch(Thread& thread, const user_regs_struct& regs, siginfo_t& info);
  bool is_hidden(Thread& thread, int signal, uint64_t mask) const;
  bool force_as_blocked(const StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                        const siginfo_t& info);
  [[nodiscard]] bool may_run_blocked(const Thread& thread, int signal) const;
  void on_handler(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  static void correct_call_address(const StoppedThread& stop, siginfo_t& info,
                                   const user_regs_struct& regs);

  // time_limits.cpp
  uint64_t began(Thread& thread, const user_regs_struct& regs);
  static bool shorten(Thread& thread, user_regs_struct& regs, uint64_t left);
  bool issue_in_time(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);
  bool issue_in_time(const StoppedThread& stop, Thread& thread, int64_t result);
  static bool restore_limit(Thread& thread, user_regs_struct& regs);
  static void restore_limit(const StoppedThread& stop, Thread& thread);
  void on_shortened_stop(StoppedThread stop, Thread& thread,
                         const StoppedThread::SyscallInfo& info);

  // own_signals.cpp
  void receive_signals();
  void pass_on(const ReceivedSignal& received);

  // dispatch_gate.cpp
  void on_dispatched(StoppedThread stop, Thread& thread, user_regs_struct& regs,
                     const siginfo_t& info);
  void on_gadget_return(StoppedThread stop, Thread& thread, user_regs_struct& regs);
  void complete_landed(Thread& thread);
  uint64_t choose_pad(Thread& thread, Inflight& entry, uint64_t flags);
  void note_inflight(Thread& thread, const user_regs_struct& regs);
  enum class Selector : uint8_t { Allow = 0, Block = 1 };
  bool set_selector(StoppedThread& stop, Thread& thread, Selector value);
  static bool set_dispatch(StoppedThread& stop, Thread& thread, Selector value);
  void step_back(StoppedThread stop, Thread& thread, user_regs_struct& regs);

  // handshake.cpp
  [[nodiscard]] wc_gate gate_of(const Process& process) const;
  using MakeShare = std::function<Result<std::unique_ptr<ProcessShare>>(const ShareLayout&)>;
  [[nodiscard]] ShareLayout layout_for(const Process& process) const;
  Result<std::unique_ptr<ProcessShare>> create_share(const Process& process, const MakeShare& make);
  bool read_hello(Process& process, const user_regs_struct& regs) const;
  uint64_t answer_anonymous(Thread& thread, const user_regs_struct& regs);
  uint64_t welcome(Process& process, bool filtered, Result<std::unique_ptr<ProcessShare>> share);
  static bool is_hello(const Thread& thread, const user_regs_struct& regs);
  void on_ask(StoppedThread stop, Thread& thread, user_regs_struct& regs);
  uint64_t answer_hello(Thread& thread, const user_regs_struct& regs);
  static bool make_room_for_descriptor(Process& process);
  static void put_back_limit(Process& process);
  void forget_share(Process& process, const std::string& why);
  uint64_t give_slot(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  static bool map_more_slots(StoppedThread& stop, Process& process);
  void wipe_forked(Process& child) const;
  void note_unwrapped(Process& process, const std::string& why);
  void note_silent(Process& process, int status);

  // object_reports.cpp
  void report_objects(const StoppedThread& stop, Thread& thread, const ObjectChanges& changes,
                      Occasion occasion);

  // stacks.cpp
  void report_interpreters();
  bool is_read_at_stops(const Process& process);
  static StackRegisters dwarf_registers(const user_regs_struct& regs);
  void take_stack(Thread& thread, const user_regs_struct& regs);
  void take_stack(Thread& thread, const StoppedThread& stop);

  // stepping_gate.cpp
  void on_syscall_stop(StoppedThread stop, Thread& thread);
  void on_syscall_entry(const StoppedThread& stop, Thread& thread,
                        const StoppedThread::SyscallInfo& info);
  void on_syscall_exit(StoppedThread& stop, Thread& thread, const StoppedThread::SyscallInfo& info);

  // process_scope.cpp
  void on_any_entry(const StoppedThread& stop, Thread& thread,
                    const StoppedThread::SyscallInfo& info);
  void on_any_exit(const StoppedThread& stop, Thread& thread,
                   const StoppedThread::SyscallInfo& info);

  // shim_memory.cpp
  [[nodiscard]] bool is_own_library(const Process& process, const std::string& path) const;
  bool is_shims_own(Process& process, uint64_t ip) const;
  static bool in_shim(Process& process, uint64_t address);
  bool map_shared_again(StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                        uint64_t fault);

  // tracer_session.cpp
  void post(std::function<void()> work);
  void run_posted();
  void open_gate_poll();
  void poll_gate_connections(int timeout_ms);
  Answer answer_by_socket(int32_t pid, const wc_hello& hello);
  Thread* thread_of_slot(const Process& process, uint32_t slot);
  void read_child_signals();
  void on_gate_message(pid_t pid, const wc_scope_message& message);
  void on_interrupted(StoppedThread stop, Thread& thread);

  Stops stops_;
  TracerOptions options_;
  ProgramTables& tables_;
  Pipeline& pipeline_;
  SitePatcher patcher_;
  Unwrapped unwrapped_;
  LibraryCopies copies_;
  std::unique_ptr<Guardian> guardian_;  // outlives every Breakpoints
  Heartbeat heartbeat_;

  std::unordered_map<pid_t, std::unique_ptr<Thread>> threads_;
  std::unordered_map<pid_t, ProcessPtr> processes_;  // by pid
  std::unordered_map<pid_t, FirstStop> gone_early_;  // ended before their parent's event came
  std::unordered_map<pid_t, FirstStop> unclaimed_;   // stopped before their parent's event came
  uint64_t ticks_ = 0;
  std::vector<pid_t> turn_;  // still to be looked at in this round
  size_t stops_since_round_ = 0, found_in_round_ = 0;
  std::set<pid_t> places_in_;  // attached to; their breakpoints are still to be placed
  pid_t first_ = 0;
  bool first_has_ended_ = false;  // its number may be somebody else's
  std::optional<int> first_status_;
  uint64_t unrecorded_calls_ = 0;  // no room for a breakpoint at their return
  std::optional<Error> failure_;
  bool output_failed_ = false;
  uint64_t next_tick_ = 0;
  unsigned quiet_ticks_ = 0;  // since there was a stop, or something to look at
  bool stop_ = false;
  PassedSignals passed_;

  std::mutex posted_mutex_;
  std::deque<std::function<void()>> posted_;
  ScopedFd gate_poll_;  // socket gate: epoll over SIGCHLD and the shims' connections
  ScopedFd child_signal_;
  std::unordered_map<int, std::pair<pid_t, ScopedFd>> gate_connections_;
};

}  // namespace wc
