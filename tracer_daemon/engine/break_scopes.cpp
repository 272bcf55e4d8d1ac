// Breakpoint scopes: calls of functions that have a breakpoint. One stop when a call comes, one
// when it returns; in between the thread is resumed to its next syscall stop, and what it does
// there is reported as under gate `trap` (stepping_gate.cpp). The scopes are the tracer's own:
// nothing runs in the program, so static programs and running processes have them, too.
//
// What comes to a function's first instruction need not be a call: a jump leaves something else on
// top of the stack, be it data. So a breakpoint is placed only where a call instruction ends
// (return_address.h).
//
// A call ends where its return address is met with the stack pointer behind it; a signal handler's
// at rt_sigreturn(2). What is left by longjmp or an exception, or returns into generated code, is
// found out at the thread's next stop: the stack pointer stands above the scope, or something else
// stands where its return address was.
#include <algorithm>
#include <array>

#include "breakpoints/return_address.h"
#include "engine/tracer.h"

namespace wc {
namespace {

// Calls that come back to a place by the thousand are served by a breakpoint that stays; one that
// only others come by is taken out.
constexpr uint32_t kMostStrays = 16;
constexpr uint64_t kBreakCall = 1ull << 63;  // its numbers are not the shim's

bool is_left(const BreakScope& one, uint64_t sp, const std::vector<uint64_t>& handlers) {
  return one.scope.sp < sp && std::none_of(handlers.begin(), handlers.end(),
                                           [&](uint64_t at) { return at <= one.scope.sp; });
}

}  // namespace

// Innermost first, until one is whole: what is above a whole one cannot have been left.
void Tracer::drop_left_breaks(Thread& thread, uint64_t sp) {
  auto& breaks = thread.breaks;
  drop_left_handlers(thread, sp);
  while (!breaks.empty()) {
    const wc_scope& last = breaks.back().scope;
    uint64_t caller = 0;
    bool is_whole = !is_left(breaks.back(), sp, thread.handlers) &&
                    thread.process->memory.read_all({last.sp}, &caller, sizeof caller) &&
                    caller == last.caller;
    if (is_whole) return;
    pop_break(thread);
  }
}

void Tracer::pop_break(Thread& thread) {
  const wc_scope& last = thread.breaks.back().scope;
  Process& process = *thread.process;
  uint32_t function = last.function & ~kBreakFunction;
  if (function < process.break_counts.size())
    process.break_counts[function].ticks += __builtin_ia32_rdtsc() - last.tsc;
  BreakSite* site = process.breaks->at(last.caller);
  if (thread.breaks.back().end == BreakEnd::Breakpoint && site != nullptr && site->users > 0)
    site->users--;
  thread.breaks.pop_back();
}

// Both kinds in one chain, in the order in which the calls came.
std::span<const wc_scope> Tracer::live_scopes(Thread& thread, uint64_t sp) {
  auto wrapped = wrapped_scopes(thread, sp);
  if (thread.breaks.empty()) return wrapped;
  drop_left_breaks(thread, sp);
  if (thread.breaks.empty()) return wrapped;
  auto& all = thread.merged;
  all.clear();
  auto next = thread.breaks.begin();
  for (const wc_scope& scope : wrapped) {
    while (next != thread.breaks.end() && next->after < scope.seq) all.push_back((next++)->scope);
    all.push_back(scope);
  }
  while (next != thread.breaks.end()) all.push_back((next++)->scope);
  return all;
}

void Tracer::on_breakpoint(StoppedThread stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  // What is done here may change the set of breakpoints, and the thread may be the last to own it.
  std::shared_ptr<Breakpoints> breaks = process.breaks;
  const uint64_t address = regs.rip - 1;
  bool again = thread.served.address == address && thread.served.sp == regs.rsp;
  thread.served = {};
  BreakSite* site = breaks->at(address);
  const uint8_t roles = site->roles;
  // At once: if the tracer dies from here on, the thread goes on there.
  if (roles != 0 && !stop.set_ip(site->thunk)) return;
  if (!again && roles != 0 && !process.unfollowed) serve_breakpoint(stop, thread, regs, roles);
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

void Tracer::serve_breakpoint(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
                              uint8_t roles) {
  auto serves = [&](BreakRole role) { return roles & static_cast<uint8_t>(role); };
  // What is done in the thread's name must not be dispatched.
  bool dispatches =
      gate_of(*thread.process) == WC_GATE_DISPATCH && !wrapped_scopes(thread, regs.rsp).empty();
  if (dispatches && !set_selector(stop, thread, Selector::Allow)) return;
  if (!thread.process->breaks->has_been_protected()) protect(stop, thread);
  if (serves(BreakRole::Libraries)) {
    on_libraries_changed(stop, thread, Occasion::Running);
    // --scope=main looks for libc, which is there at the start or never.
    Process& process = *thread.process;
    const bool for_main_only = options_.breaks == nullptr && !options_.watch_libraries;
    if (for_main_only && !process.libraries.empty())
      process.breaks->remove(process.memory, *process.breaks->at(regs.rip - 1),
                             BreakRole::Libraries);
  }
  if (serves(BreakRole::MainsCaller)) on_main_known(stop, thread, regs.rdi);
  // A return before the call that begins at the same place.
  if (serves(BreakRole::Return)) on_break_return(stop, thread, regs);
  if (serves(BreakRole::Main)) on_main_entered(stop, thread, regs);
  if (serves(BreakRole::Exit)) on_main_left(thread, regs.rsp);
  if (serves(BreakRole::Entry)) on_break_entry(stop, thread, regs);
  if (dispatches && !set_selector(stop, thread, Selector::Block)) say_unwritable(*thread.process);
}

// Nothing: no call has come, for its return address would have to be code.
std::optional<BreakEnd> Tracer::end_of_call(Process& process, uint64_t caller) {
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
bool Tracer::is_round_of_loop(Thread& thread, const wc_scope& entered, uint64_t entry) {
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

void Tracer::on_break_entry(StoppedThread& stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  if (!is_reported(thread)) return;
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

  drain(thread, regs.rsp);
  auto wrapped = wrapped_scopes(thread, regs.rsp);
  if (!wrapped.empty()) fresh.after = wrapped.back().seq;
  drop_left_breaks(thread, regs.rsp);
  if (is_round_of_loop(thread, scope, regs.rip - 1)) return;
  end_tail_calls(thread, scope);
  uint32_t function = scope.function & ~kBreakFunction;
  if (function < process.break_counts.size()) process.break_counts[function].calls++;
  // Deeper calls are not told apart; their syscalls go to the deepest that is.
  if (thread.breaks.size() >= WC_MAX_SCOPES) return;
  if (function < process.break_table->functions.size())
    fresh.arguments = break_arguments(stop, thread, regs, process.break_table->functions[function]);
  scope.seq = kBreakCall | ++thread.break_calls;
  thread.breaks.push_back(fresh);
  if (*end == BreakEnd::Breakpoint) watch_return(stop, thread);
  auto scopes = live_scopes(thread, regs.rsp);
  if (options_.config & WC_CONFIG_ALL_CALLS) {
    user_regs_struct before = regs;
    before.rip--;  // the breakpoint's byte
    take_stack(thread, before);
    report_calls(thread, scopes, false);
  } else {
    drop_missing(thread, scopes);
  }
}

// Of the innermost call. Where there is no room for a breakpoint it would stay open and be given
// what comes after it.
void Tracer::watch_return(StoppedThread& stop, Thread& thread) {
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
  say(2,
      "a return to " + hexadecimal(call.scope.caller) + " cannot be seen: " + site.error().message);
}

// f jumps to g instead of calling it: f's scope stays open around g's, for both return at once. If
// the same function comes again at the same place, the scopes from its last one on are over: a loop
// of tail calls opens no scope without end. So is one at that place whose return nobody would see.
void Tracer::end_tail_calls(Thread& thread, const wc_scope& entered) {
  auto& breaks = thread.breaks;
  auto same = std::find_if(breaks.begin(), breaks.end(), [&](const BreakScope& one) {
    return one.scope.sp == entered.sp &&
           (one.scope.function == entered.function || one.end == BreakEnd::Unseen);
  });
  auto kept = static_cast<size_t>(same - breaks.begin());
  while (breaks.size() > kept) pop_break(thread);
}

void Tracer::on_break_return(const StoppedThread& stop, Thread& thread,
                             const user_regs_struct& regs) {
  Process& process = *thread.process;
  const uint64_t caller = regs.rip - 1, sp = regs.rsp - sizeof(uint64_t);
  if (process.main.state == MainSpan::State::In && process.main.sp == sp &&
      process.main.caller == caller)
    on_main_left(thread, regs.rsp);
  auto& breaks = thread.breaks;
  bool is_ours = std::any_of(breaks.begin(), breaks.end(), [&](const BreakScope& one) {
    return one.scope.sp == sp && one.scope.caller == caller;
  });
  if (!is_ours) {
    BreakSite* site = process.breaks->at(caller);
    if (site->users == 0 && ++site->strays > kMostStrays && process.main.caller != caller)
      process.breaks->remove(process.memory, *site, BreakRole::Return);
    return;
  }
  drain(thread, regs.rsp);
  end_calls(thread, sp, break_results(stop, thread, regs, sp));
}

// Those whose return address stood at `sp`, and those deeper down, which were left on the way: the
// record of these ends them.
void Tracer::end_calls(Thread& thread, uint64_t sp, const CallRegisters& returned) {
  auto& breaks = thread.breaks;
  while (!breaks.empty() && breaks.back().scope.sp <= sp) {
    const BreakScope& last = breaks.back();
    if (last.scope.sp == sp) report_break_return(thread, last, returned);
    pop_break(thread);
  }
}

// A handler has returned to the trampoline: at rt_sigreturn(2), `frame` is the stack pointer. What
// it returned is gone from rax; it is nobody's anyway.
void Tracer::end_handler_call(Thread& thread, uint64_t frame) {
  const uint64_t sp = frame - sizeof(uint64_t);
  const auto& breaks = thread.breaks;
  const bool is_handler = std::any_of(breaks.begin(), breaks.end(), [&](const BreakScope& one) {
    return one.end == BreakEnd::SignalReturn && one.scope.sp == sp;
  });
  if (is_handler) end_calls(thread, sp, {});
}

void Tracer::report_break_return(Thread& thread, const BreakScope& ended,
                                 const CallRegisters& returned) {
  wc_record record{ended.scope.seq, returned.integers[0], __builtin_ia32_rdtsc(), WC_RECORD_RETURN,
                   ended.last_error};
  RecordView view;
  view.type = WC_RECORD_RETURN;
  view.head = record;
  end_syscalls_from(thread, thread.calls.position(ended.scope.seq));
  EventSource source = thread.source();
  source.returned = &returned;
  pipeline_.record(source, view, nullptr);
}

// A signal comes when the call has returned, and its breakpoint is still to be met.
void Tracer::settle_return(const StoppedThread& stop, Thread& thread,
                           const user_regs_struct& regs) {
  const BreakSite* site = thread.process->breaks->at(regs.rip);
  bool is_due = site != nullptr && site->serves(BreakRole::Return) && !thread.breaks.empty() &&
                thread.served.address != regs.rip;
  if (!is_due) return;
  const bool serves_more = site->roles != static_cast<uint8_t>(BreakRole::Return);
  user_regs_struct behind = regs;
  behind.rip += 1;
  on_break_return(stop, thread, behind);
  if (!serves_more) thread.served = {regs.rip, regs.rsp};
}

// No signal is delivered inside a thunk: handlers, and whoever unwinds from them, must find the
// program's own address.
void Tracer::leave_thunk(const StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
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
