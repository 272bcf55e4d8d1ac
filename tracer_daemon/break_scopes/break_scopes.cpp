#include "break_scopes/break_scopes.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "breakpoints/return_address.h"
#include "tracee/resume.h"

namespace wc {
namespace {

// Calls that come back to a place by the thousand are served by a breakpoint that stays; one that
// only others come by is taken out.
constexpr uint32_t kMostStrays = 16;
constexpr uint64_t kBreakCall = 1ull << 63;  // its numbers are not the shim's

}  // namespace

void BreakScopes::on_breakpoint(StoppedThread stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  // What is done here may change the set of breakpoints, and the thread may be the last to own it.
  std::shared_ptr<Breakpoints> breaks = process.breaks;
  const uint64_t address = regs.rip - 1;
  bool again = thread.served.address == address && thread.served.sp == regs.rsp;
  thread.served = {};
  BreakSite* site = breaks->at(address);
  const uint8_t roles = site->roles;
  // At once: if the tracer dies from here on, the thread continues there.
  if (roles != 0 && !stop.set_ip(site->thunk)) return;
  if (!again && roles != 0 && !process.unfollowed) serve(stop, thread, regs, roles);
  site = breaks->at(address);
  if (site == nullptr || site->roles == 0) {
    if (site != nullptr && !breaks->remove_again(process.memory, *site)) {
      // It stays; the thunk does what stands there.
      if (stop.set_ip(site->thunk)) resume(std::move(stop), thread);
      return;
    }
    if (!stop.set_ip(address)) return;
  }
  resume(std::move(stop), thread);
}

void BreakScopes::serve(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
                        uint8_t roles) {
  auto serves = [&](BreakRole role) { return roles & static_cast<uint8_t>(role); };
  // What is done in the thread's name must not be dispatched.
  bool dispatches = thread.process->gate_in_force() == WC_GATE_DISPATCH &&
                    !parts_.scopes.wrapped(thread, regs.rsp).empty();
  if (dispatches && !parts_.selector.set(stop, thread, Selector::Allow)) return;
  if (!thread.process->breaks->has_been_protected()) parts_.placing.protect(stop, thread);
  if (serves(BreakRole::Libraries)) {
    parts_.placing.on_libraries_changed(stop, thread, Occasion::Running);
    parts_.placing.end_watch_for_main(*thread.process, regs.rip - 1);
  }
  if (serves(BreakRole::Constructor)) parts_.placing.on_constructor(thread, regs.rip - 1);
  if (serves(BreakRole::ProgramEntry)) parts_.placing.on_program_entered(thread, regs.rip - 1);
  if (serves(BreakRole::MainsCaller)) parts_.main.on_known(stop, thread, regs.rdi);
  // A return before the call that begins at the same place.
  if (serves(BreakRole::Return)) on_return(stop, thread, regs);
  if (serves(BreakRole::Main)) parts_.main.on_entered(stop, thread, regs);
  if (serves(BreakRole::Exit)) parts_.main.on_left(thread, regs.rsp);
  if (serves(BreakRole::Entry)) on_entry(stop, thread, regs);
  if (dispatches && !parts_.selector.set(stop, thread, Selector::Block))
    parts_.selector.say_unwritable(*thread.process);
}

// Nothing: no call has come, for its return address would have to be code.
std::optional<BreakEnd> BreakScopes::end_of_call(Process& process, uint64_t caller) {
  Breakpoints& breaks = *process.breaks;
  if (const BreakSite* site = breaks.at(caller); site != nullptr && site->serves(BreakRole::Return))
    return BreakEnd::Breakpoint;
  const CodeKind kind = breaks.code_at(caller);
  if (kind == CodeKind::None) return std::nullopt;
  std::array<uint8_t, kSignalReturnSize> code{};
  if (is_signal_return(
          {code.data(), breaks.read_text(process.memory, caller, {code.data(), code.size()})}))
    return BreakEnd::SignalReturn;
  std::array<uint8_t, kLongestCall> before{};
  const bool is_behind_call =
      breaks.read_text(process.memory, caller - before.size(), before) == before.size() &&
      ends_with_call(before);
  return is_behind_call && kind == CodeKind::OfObject ? BreakEnd::Breakpoint : BreakEnd::Unseen;
}

// The function stands open with the same return address, and has a branch to its first
// instruction. (Without one, it has been left by longjmp or an exception and called again.)
bool BreakScopes::is_round_of_loop(Thread& thread, const wc_scope& entered, uint64_t entry) {
  if (thread.breaks.empty()) return false;
  const wc_scope& last = thread.breaks.back().scope;
  if (last.sp != entered.sp || last.caller != entered.caller || last.function != entered.function)
    return false;
  Process& process = *thread.process;
  BreakSite& site = *process.breaks->at(entry);
  if (!site.loops) {
    std::array<uint8_t, 2048> code{};  // a longer loop is not met by chance
    const size_t size = process.breaks->read_text(process.memory, entry, code);
    site.loops = branches_to_its_entry({code.data(), size});
  }
  return *site.loops;
}

void BreakScopes::on_entry(StoppedThread& stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  if (!parts_.scopes.is_reported(thread)) return;
  BreakScope fresh;
  wc_scope& scope = fresh.scope;
  scope.sp = regs.rsp;
  if (!process.memory.read_all({regs.rsp}, &scope.caller, sizeof scope.caller)) return;
  const auto end = end_of_call(process, scope.caller);
  if (!end) return;
  fresh.end = *end;
  scope.function = process.breaks->at(regs.rip - 1)->function | kBreakFunction;
  scope.tsc = __builtin_ia32_rdtsc();
  const uint64_t args[6] = {regs.rdi, regs.rsi, regs.rdx, regs.rcx, regs.r8, regs.r9};
  std::copy(std::begin(args), std::end(args), scope.args);

  parts_.records.drain(thread, regs.rsp);
  auto wrapped = parts_.scopes.wrapped(thread, regs.rsp);
  if (!wrapped.empty()) fresh.after = wrapped.back().seq;
  parts_.scopes.drop_left_breaks(thread, regs.rsp);
  if (is_round_of_loop(thread, scope, regs.rip - 1)) return;
  end_tail_calls(thread, scope);
  uint32_t function = scope.function & ~kBreakFunction;
  if (function < process.break_counts.size()) process.break_counts[function].calls++;
  // Deeper calls are not told apart; their syscalls go to the deepest that is.
  if (thread.breaks.size() >= WC_MAX_SCOPES) return;
  if (function < process.break_table->functions.size())
    fresh.arguments = arguments(stop, thread, regs, process.break_table->functions[function]);
  scope.seq = kBreakCall | ++thread.break_calls;
  thread.breaks.push_back(fresh);
  if (*end == BreakEnd::Breakpoint) watch_return(stop, thread);
  auto scopes = parts_.scopes.live(thread, regs.rsp);
  if (run_.options.config & WC_CONFIG_ALL_CALLS) {
    user_regs_struct before = regs;
    before.rip--;  // the breakpoint's byte
    parts_.stacks.take(thread, before);
    parts_.scopes.report_calls(thread, scopes, ReportedFor::Call);
  } else {
    parts_.scopes.drop_missing(thread, scopes);
  }
}

// Of the innermost call. Where there is no room for a breakpoint it would stay open and be given
// what comes after it.
void BreakScopes::watch_return(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  BreakScope& call = thread.breaks.back();
  auto site = process.breaks->place(stop, process.memory, call.scope.caller, BreakRole::Return);
  if (site) {
    (*site)->users++;
    return;
  }
  if (site.error().code == ENOSPC) {
    thread.breaks.pop_back();
    unrecorded_calls_++;
    return;
  }
  call.end = BreakEnd::Unseen;
  run_.say(2, "a return to " + hexadecimal(call.scope.caller) +
                  " cannot be seen: " + site.error().message);
}

// f jumps to g instead of calling it: f's scope stays open around g's, for both return at once. If
// the same function comes again at the same place, the scopes from its last one on are over: a loop
// of tail calls opens no scope without end. So is one at that place whose return nobody would see.
void BreakScopes::end_tail_calls(Thread& thread, const wc_scope& entered) {
  auto& breaks = thread.breaks;
  auto same = std::find_if(breaks.begin(), breaks.end(), [&](const BreakScope& one) {
    return one.scope.sp == entered.sp &&
           (one.scope.function == entered.function || one.end == BreakEnd::Unseen);
  });
  auto kept = static_cast<size_t>(same - breaks.begin());
  while (breaks.size() > kept) OpenScopes::pop_break(thread);
}

void BreakScopes::on_return(const StoppedThread& stop, Thread& thread,
                            const user_regs_struct& regs) {
  Process& process = *thread.process;
  const uint64_t caller = regs.rip - 1, sp = regs.rsp - sizeof(uint64_t);
  if (process.main.state == MainSpan::State::In && process.main.sp == sp &&
      process.main.caller == caller)
    parts_.main.on_left(thread, regs.rsp);
  auto& breaks = thread.breaks;
  bool is_own = std::any_of(breaks.begin(), breaks.end(), [&](const BreakScope& one) {
    return one.scope.sp == sp && one.scope.caller == caller;
  });
  if (!is_own) {
    BreakSite* site = process.breaks->at(caller);
    if (site->users == 0 && ++site->strays > kMostStrays && process.main.caller != caller)
      process.breaks->remove(process.memory, *site, BreakRole::Return);
    return;
  }
  parts_.records.drain(thread, regs.rsp);
  end_calls(thread, sp, results(stop, thread, regs, sp));
}

// Those whose return address stood at `sp`, and those deeper down, which were left on the way: the
// record of these ends them.
void BreakScopes::end_calls(Thread& thread, uint64_t sp, const CallRegisters& returned) {
  auto& breaks = thread.breaks;
  while (!breaks.empty() && breaks.back().scope.sp <= sp) {
    const BreakScope& last = breaks.back();
    if (last.scope.sp == sp) report_return(thread, last, returned);
    OpenScopes::pop_break(thread);
  }
}

// What the handler returned is gone from rax; it is nobody's anyway.
void BreakScopes::end_handler_call(Thread& thread, uint64_t frame) {
  const uint64_t sp = frame - sizeof(uint64_t);
  const auto& breaks = thread.breaks;
  const bool is_handler = std::any_of(breaks.begin(), breaks.end(), [&](const BreakScope& one) {
    return one.end == BreakEnd::SignalReturn && one.scope.sp == sp;
  });
  if (is_handler) end_calls(thread, sp, {});
}

void BreakScopes::report_return(Thread& thread, const BreakScope& ended,
                                const CallRegisters& returned) {
  wc_record record{ended.scope.seq, returned.integers[0], __builtin_ia32_rdtsc(), WC_RECORD_RETURN,
                   ended.last_error};
  RecordView view;
  view.type = WC_RECORD_RETURN;
  view.head = record;
  parts_.scopes.end_syscalls_from(thread, thread.calls.position(ended.scope.seq));
  EventSource source = thread.source();
  source.returned = &returned;
  run_.pipeline.record(source, view, nullptr);
}

void BreakScopes::settle_return(const StoppedThread& stop, Thread& thread,
                                const user_regs_struct& regs) {
  const BreakSite* site = thread.process->breaks->at(regs.rip);
  bool is_due = site != nullptr && site->serves(BreakRole::Return) && !thread.breaks.empty() &&
                thread.served.address != regs.rip;
  if (!is_due) return;
  const bool serves_more = site->roles != static_cast<uint8_t>(BreakRole::Return);
  user_regs_struct behind = regs;
  behind.rip += 1;
  on_return(stop, thread, behind);
  if (!serves_more) thread.served = {regs.rip, regs.rsp};
}

void BreakScopes::leave_thunk(const StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
  auto place = thread.process->breaks->in_thunk(regs.rip);
  if (!place) return;
  regs.rip = place->original;
  regs.rsp += place->undo_push;
  if (const BreakSite* site = thread.process->breaks->at(regs.rip);
      site != nullptr && site->roles != 0)
    thread.served = {regs.rip, regs.rsp};
  (void)stop.set_registers(regs);  // where this fails the thread is dying
}

}  // namespace wc
