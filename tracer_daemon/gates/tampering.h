// Rules at work: what --inject, --fault and --deny do to a syscall, at its entry and its exit
// (PTRACE_SYSCALL stops). Which rule applies is decided by rules/. A back end's verdict is done in
// the same way, as a rule of its own.
//
// A syscall that is not to be executed is given the number -1, which the kernel answers with
// ENOSYS; the result is set at the exit. The program finds its arguments, and what was lent of its
// memory, as they were.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "events/path_filter.h"
#include "gates/entered_syscall.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

class Tampering {
 public:
  explicit Tampering(const TraceRun& run) : run_(run) {}

  // At the entry stop, before the syscall is reported: which rule applies, if one does. What it
  // pokes is shown, as by strace. `scopes`: the calls that are open.
  void choose(Thread& thread, const EnteredSyscall& entered, std::span<const wc_scope> scopes,
              Inflight& entry);
  // What a back end has decided when it was reported. A rule goes first: where one applies, the
  // verdict is not carried out.
  static void decide(const BackendVerdict& verdict, Inflight& entry);
  // Afterwards, with the arguments reported as the program has given them.
  void on_entry(const StoppedThread& stop, Thread& thread, const EnteredSyscall& entered,
                Inflight& entry);
  // At the exit stop. Returns the result as the program finds it.
  int64_t on_exit(const StoppedThread& stop, Thread& thread, Inflight& done, int64_t ret);

 private:
  [[nodiscard]] RuleQuestions questions(Thread& thread, const EnteredSyscall& entered,
                                        std::span<const wc_scope> scopes);
  bool is_inside(Thread& thread, std::span<const wc_scope> scopes, const Rule& rule);
  bool is_from(Thread& thread, std::span<const wc_scope> scopes, const Rule& rule) const;
  bool has_path(Thread& thread, const EnteredSyscall& entered, const std::string& glob);
  void change_arguments(Thread& thread, const EnteredSyscall& entered, user_regs_struct& regs,
                        Tampered& tampered);
  void corrupt(Thread& thread, Tampered& tampered, uint64_t address, uint64_t size);
  static void poke(Thread& thread, std::span<const uint64_t, 6> args, std::span<const Poke> pokes);
  void send(Thread& thread, const RuleAction& action) const;

  const TraceRun& run_;
  std::map<std::pair<const Rule*, const FunctionInfo*>, bool> inside_;  // what was found out
  std::map<std::string, PathFilter> paths_;                             // by glob
};

}  // namespace wc
