#include "recording/open_scopes.h"

#include <algorithm>
#include <utility>

namespace wc {
namespace {

// More handlers than this one above another, each interrupted in a system call: it is a program
// that leaves them by longjmp from stacks of its own, where that cannot be seen.
constexpr size_t kMaxInflight = 64;

// Two places on one stack are nearer to each other than this; an alternate stack is farther away.
constexpr uint64_t kOneStack = 1u << 20;

bool is_left(const BreakScope& one, uint64_t sp, const std::vector<uint64_t>& handlers) {
  return one.scope.sp < sp && std::none_of(handlers.begin(), handlers.end(),
                                           [&](uint64_t at) { return at <= one.scope.sp; });
}

}  // namespace

bool OpenScopes::is_reported(const Thread& thread) const {
  return !run_.options.main_only || thread.process->main.state == MainSpan::State::In;
}

std::span<const wc_scope> OpenScopes::wrapped(Thread& thread, uint64_t sp) {
  ProcessShare* share = thread.share();
  if (share == nullptr) return {};
  auto scopes =
      share->scopes(thread.slot_index(), thread.shares.active ? thread.shares.base_depth : 0);
  drop_left_handlers(thread, sp);
  auto alive = CallStack::alive(scopes, sp, thread.handlers);
  return thread.process->modes != nullptr ? switched_on(thread, alive) : alive;
}

void OpenScopes::drop_left_scopes(Thread& thread, uint64_t sp) {
  ProcessShare* share = thread.share();
  if (share == nullptr || thread.shares.active) return;
  const auto scopes = share->scopes(thread.slot_index());
  drop_left_handlers(thread, sp);
  const auto alive = CallStack::alive(scopes, sp, thread.handlers);
  if (alive.size() < scopes.size())
    share->view(thread.slot_index()).pop_from(scopes[alive.size()].seq);
}

// Without those whose function was switched off when they were about to begin.
std::span<const wc_scope> OpenScopes::switched_on(Thread& thread,
                                                  std::span<const wc_scope> scopes) {
  const EventSource source = thread.source();
  auto& kept = thread.switched_on;
  kept.clear();
  for (const wc_scope& scope : scopes)
    if (!source.is_off(scope.function) ||
        thread.calls.position(scope.seq) != thread.calls.calls().size())
      kept.push_back(scope);
  return kept;
}

std::span<const wc_scope> OpenScopes::live(Thread& thread, uint64_t sp) {
  auto by_shim = wrapped(thread, sp);
  if (thread.breaks.empty()) return by_shim;
  drop_left_breaks(thread, sp);
  if (thread.breaks.empty()) return by_shim;
  auto& all = thread.merged;
  all.clear();
  auto next = thread.breaks.begin();
  for (const wc_scope& scope : by_shim) {
    while (next != thread.breaks.end() && next->after < scope.seq) all.push_back((next++)->scope);
    all.push_back(scope);
  }
  while (next != thread.breaks.end()) all.push_back((next++)->scope);
  return all;
}

void OpenScopes::report_calls(Thread& thread, std::span<const wc_scope> scopes, ReportedFor what) {
  ProcessShare* share = thread.share();
  if ((share == nullptr && thread.breaks.empty()) || !is_reported(thread)) return;
  EventSource source = thread.source();
  drop_missing(thread, scopes);
  run_.pipeline.open_calls(source, scopes, what == ReportedFor::Syscall,
                           run_.options.config & WC_CONFIG_CALL_TIME);
  if (share == nullptr) return;
  // Known ones, too: announce_waiting() has not marked what it has reported.
  for (const wc_scope& scope : scopes)
    if (!(scope.function & kBreakFunction) && !(scope.flags & WC_SCOPE_REPORTED))
      share->view(thread.slot_index()).mark_reported(scope.seq);
}

void OpenScopes::drop_missing(Thread& thread, std::span<const wc_scope> scopes) {
  end_syscalls_from(thread, thread.calls.common(scopes));
  run_.pipeline.drop_missing(thread.source(), scopes);
}

void OpenScopes::end_syscalls_from(Thread& thread, size_t position) {
  const auto& calls = thread.calls.calls();
  auto is_over = [&](const Inflight& one) {
    return one.syscall.reported &&
           std::any_of(calls.begin() + static_cast<ptrdiff_t>(position), calls.end(),
                       [&](const OpenCall& call) { return call.id == one.syscall.call; });
  };
  for (Inflight& one : thread.inflight)
    if (is_over(one)) {
      run_.pipeline.syscall_ended(thread.source(), one.syscall);
      one.syscall.reported =
          false;  // where it continues is still needed if it comes back after all
    }
}

void OpenScopes::push_inflight(Thread& thread, Inflight entry) {
  auto& inflight = thread.inflight;
  if (inflight.size() >= kMaxInflight) {
    if (inflight.front().syscall.reported)
      run_.pipeline.syscall_ended(thread.source(), inflight.front().syscall);
    inflight.erase(inflight.begin());
  }
  inflight.push_back(std::move(entry));
}

void OpenScopes::drop_left_syscalls(Thread& thread, uint64_t sp) {
  drop_left_handlers(thread, sp);
  auto& inflight = thread.inflight;
  while (!inflight.empty() && inflight.back().sp < sp && sp - inflight.back().sp < kOneStack) {
    Inflight left = std::move(inflight.back());
    inflight.pop_back();
    if (left.syscall.reported) run_.pipeline.syscall_ended(thread.source(), left.syscall);
  }
}

void OpenScopes::drop_left_handlers(Thread& thread, uint64_t sp) {
  auto& handlers = thread.handlers;
  while (!handlers.empty() && handlers.back() <= sp && sp - handlers.back() < kOneStack)
    handlers.pop_back();
  restore_hidden_mask(thread);
}

void OpenScopes::restore_hidden_mask(Thread& thread) {
  auto& masks = thread.interrupted_masks;
  const auto& handlers = thread.handlers;
  while (!masks.empty() &&
         std::find(handlers.begin(), handlers.end(), masks.back().sp) == handlers.end()) {
    thread.hidden_mask = masks.back().hidden;
    masks.pop_back();
  }
}

// Innermost first, until one is whole: what is above a whole one cannot have been left.
void OpenScopes::drop_left_breaks(Thread& thread, uint64_t sp) {
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

void OpenScopes::pop_break(Thread& thread) {
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

void OpenScopes::end_sharing(Thread& thread) {
  if (!thread.shares.active) return;
  if (ProcessShare* share = thread.share()) {
    auto slot = thread.slot_index();
    share->view(slot).set_depth(thread.shares.base_depth);
    share->slot(slot).gate_open = thread.shares.gate_open;
  }
  thread.shares = {};
  thread.slot = -1;
}

}  // namespace wc
