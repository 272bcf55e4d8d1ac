#include "summary_stats.h"

#include <fmt/format.h>

#include <algorithm>

#include "escape.h"

namespace wc::backends {

namespace {

// "main at hello.c:9", "main+0x40 (hello)", "libz.so.1+0x1c40".
std::string place_of(const wc_caller& caller) {
  const std::string_view object = basename_of(view(caller.object));
  if (caller.symbol == nullptr)
    return object.empty() ? "?" : fmt::format("{}+{:#x}", object, caller.offset);
  if (caller.file == nullptr)
    return fmt::format("{}+{:#x} ({})", caller.symbol, caller.offset, object);
  return fmt::format("{} at {}:{}", caller.symbol, basename_of(caller.file), caller.line);
}

// A function of an interpreter (--frames) has no address; what is around it is the interpreter.
std::string nearest_named(const wc_call& event) {
  const std::span frames(event.frames, event.frame_count);
  const auto is_interpreted = [](const wc_stack_frame& frame) {
    return frame.at.address == 0 && frame.at.symbol != nullptr;
  };
  const auto has_name = [](const wc_stack_frame& frame) { return frame.at.symbol != nullptr; };
  auto found = std::ranges::find_if(frames, is_interpreted);
  if (found == frames.end()) found = std::ranges::find_if(frames, has_name);
  return place_of(found != frames.end() ? found->at : event.caller);
}

// A relative path belongs to the folder that its descriptor stands for.
std::string path_of(const wc_syscall& event) {
  const std::string_view path = view(event.path), folder = view(event.fd_path);
  if (path.empty()) return std::string(folder.empty() ? "(no path)" : folder);
  const bool is_relative = !path.starts_with('/') && folder.starts_with('/');
  return is_relative ? fmt::format("{}/{}", folder, path) : std::string(path);
}

void add_timed_syscall(Counts& counts, const wc_syscall& event) {
  counts.add_syscall(event.dur, event.error != 0);
  counts.ns += event.dur;
  counts.durations.add(event.dur);
}

}  // namespace

SummaryStats::SummaryStats(const SummaryOptions& options, uint64_t now)
    : options_(options), clock_(now), startup_(names_) {
  whole_.since = window_.since = now;
}

template <typename Change>
void SummaryStats::for_each_tally(const Change& change) {
  change(whole_);
  if (options_.interval_ns != 0) change(window_);
}

// ---- Calls

// What stands below a row; below a function its syscalls do.
const Name* SummaryStats::part_of(const OpenCall& call) const {
  return options_.by == SummaryBy::kFunction ? nullptr : call.function;
}

const Name* SummaryStats::thread_name(int32_t pid, int32_t tid) {
  const auto program = programs_.find(pid);
  const std::string_view name =
      program != programs_.end() ? std::string_view(program->second) : "?";
  return names_.find_or_add(pid == tid ? fmt::format("{} ({})", tid, name)
                                       : fmt::format("{} ({}, thread of {})", tid, name, pid));
}

void SummaryStats::count_call(Tally& tally, const OpenCall& call) {
  ++tally.total.calls;
  if (call.row == nullptr) return;
  Row& row = tally.rows[call.row];
  ++row.calls;
  if (const Name* part = part_of(call)) ++row.parts[part].calls;
}

void SummaryStats::end_call(Tally& tally, const OpenCall& call, Around around, uint64_t ns) {
  if (around.empty()) {
    tally.total.ns += ns;
    tally.in_calls[call.phase] += ns;
  }
  if (call.row == nullptr) return;
  const auto is_same_row = [&](const OpenCall& other) { return other.row == call.row; };
  Row& row = tally.rows[call.row];
  row.durations.add(ns);
  if (std::ranges::none_of(around, is_same_row)) row.ns += ns;
  const Name* part = part_of(call);
  if (part == nullptr) return;
  const auto is_same_part = [&](const OpenCall& other) {
    return is_same_row(other) && other.function == part;
  };
  Counts& counts = row.parts[part];
  counts.durations.add(ns);
  if (std::ranges::none_of(around, is_same_part)) counts.ns += ns;
}

void SummaryStats::call(const wc_call& event) {
  if (event.weight > 1)
    for_each_tally([&](Tally& tally) { tally.sampled = std::max(tally.sampled, event.weight); });
  OpenCall call{.id = event.id, .ts = event.ts, .pid = event.pid};
  call.function = names_.function(view(event.function), view(event.library));
  call.phase = clock_.phase(event.pid, event.tid);
  switch (options_.by) {
    case SummaryBy::kFunction:
      call.row = call.function;
      ++seen_[event.pid][call.function].calls;
      break;
    case SummaryBy::kCaller:
      call.row = names_.find_or_add(options_.callers == Callers::kNamed ? nearest_named(event)
                                                                        : place_of(event.caller));
      break;
    case SummaryBy::kThread:
      call.row = thread_name(event.pid, event.tid);
      break;
    case SummaryBy::kSyscall:
    case SummaryBy::kPath:
      break;
  }
  open_.enter(event.tid, event.depth, call);
  for_each_tally([&](Tally& tally) { count_call(tally, call); });
}

void SummaryStats::ret(const wc_return& event) {
  const Around calls = open_.up_to(event.tid, event.call);
  if (calls.empty()) return;  // it began before this backend did
  const OpenCall& call = calls.back();
  const Around around = calls.first(calls.size() - 1);
  for_each_tally([&](Tally& tally) {
    const uint64_t in_its_time = event.ts - std::min(event.ts, tally.since);
    end_call(tally, call, around,
             &tally == &window_ ? std::min(event.dur, in_its_time) : event.dur);
  });
  if (options_.by == SummaryBy::kFunction) seen_[event.pid][call.function].ns += event.dur;
  open_.leave(event.tid);
}

void SummaryStats::add_open_calls(Tally& tally, uint64_t now) {
  open_.for_each([&](const OpenCall& call, Around around) {
    end_call(tally, call, around, now - std::min(now, std::max(call.ts, tally.since)));
  });
}

// ---- Syscalls

// The open calls around it, outermost first. Where they are not known, as their names say.
SummaryStats::Around SummaryStats::calls_of(const wc_syscall& event) {
  if (event.call == 0 || event.function == nullptr) return {};
  if (const Around calls = open_.up_to(event.tid, event.call); !calls.empty()) return calls;
  const std::span chain = event.chain != nullptr ? std::span(event.chain, event.chain_length)
                                                 : std::span(&event.function, size_t{1});
  unknown_.clear();
  for (const char* function : chain) {
    OpenCall call{.id = event.call, .pid = event.pid};
    call.function = names_.function(view(function), {});
    call.row = options_.by == SummaryBy::kFunction ? call.function
               : options_.by == SummaryBy::kThread ? thread_name(event.pid, event.tid)
                                                   : names_.find_or_add("?");
    unknown_.push_back(call);
  }
  return unknown_;
}

// Innermost first: that is whose own syscall it is.
void SummaryStats::count_in_calls(Tally& tally, const wc_syscall& event, Around calls) {
  for (size_t i = calls.size(); i > 0; --i) {
    const OpenCall& call = calls[i - 1];
    const Around inner = calls.subspan(i);
    const auto is_counted = [&](const OpenCall& other) { return other.row == call.row; };
    if (std::ranges::any_of(inner, is_counted)) continue;
    const uint64_t own = inner.empty() ? 1 : 0;
    Row& row = tally.rows[call.row];
    row.add_syscall(event.dur, event.error != 0);
    row.own += own;
    const Name* part = part_of(call);
    Counts& counts = row.parts[part != nullptr ? part : names_.syscall(event.nr, view(event.name))];
    counts.own += own;
    if (part != nullptr)
      counts.add_syscall(event.dur, event.error != 0);
    else
      add_timed_syscall(counts, event);
  }
}

void SummaryStats::count_by_syscall(Tally& tally, const wc_syscall& event, Around calls) {
  const Name* syscall = names_.syscall(event.nr, view(event.name));
  const bool is_by_path = options_.by == SummaryBy::kPath;
  Row& row = tally.rows[is_by_path ? names_.find_or_add(path_of(event)) : syscall];
  const Name* function = calls.empty() ? names_.find_or_add("(outside)") : calls.back().function;
  for (Counts* counts : {static_cast<Counts*>(&row), &row.parts[is_by_path ? syscall : function]}) {
    add_timed_syscall(*counts, event);
    ++counts->own;
  }
}

void SummaryStats::count_syscall(Tally& tally, const wc_syscall& event, Around calls, Phase phase) {
  tally.total.add_syscall(event.dur, event.error != 0);
  ++tally.total.own;
  if (options_.by == SummaryBy::kSyscall || options_.by == SummaryBy::kPath)
    return count_by_syscall(tally, event, calls);
  if (!calls.empty()) return count_in_calls(tally, event, calls);
  const bool is_by_thread = options_.by == SummaryBy::kThread;
  Row& row = is_by_thread ? tally.rows[thread_name(event.pid, event.tid)] : tally.outside[phase];
  row.add_syscall(event.dur, event.error != 0);
  ++row.own;
  if (is_by_thread) row.ns += event.dur;
  Counts& part = row.parts[names_.syscall(event.nr, view(event.name))];
  add_timed_syscall(part, event);
  ++part.own;
}

void SummaryStats::syscall(const wc_syscall& event) {
  const Phase phase = clock_.phase(event.pid, event.tid);
  const Around calls = calls_of(event);
  for_each_tally([&](Tally& tally) { count_syscall(tally, event, calls, phase); });
  if (calls.empty()) startup_.syscall(event, phase);
}

// ---- Processes

void SummaryStats::process(const wc_process& event) {
  switch (event.event) {
    case WC_PROCESS_START:
    case WC_PROCESS_EXEC:
      programs_[event.pid] = basename_of(view(event.path));
      startup_.forget(event.pid);
      if (event.event == WC_PROCESS_START) return clock_.process_begins(event.pid, event.ts);
      open_.forget_process(event.pid);
      return clock_.program_begins(event.pid, event.ts);
    case WC_PROCESS_PHASE: {
      const Phase phase = phase_of(view(event.text));
      startup_.enter(event.pid, phase, view(event.path), event.ts);
      return clock_.enter(event.pid, phase, event.ts);
    }
    case WC_PROCESS_FORK:
      if (event.thread != 0) return clock_.thread_begins(event.pid, event.child, event.ts);
      if (const auto program = programs_.find(event.pid); program != programs_.end())
        programs_[event.child] = std::string(program->second);
      return clock_.process_forks(event.pid, event.child, event.ts);
    case WC_PROCESS_EXIT:
      open_.forget_thread(event.tid);
      if (event.thread != 0) return clock_.thread_ends(event.pid, event.tid, event.ts);
      open_.forget_process(event.pid);
      clock_.process_ends(event.pid, event.ts);
      startup_.forget(event.pid);
      programs_.erase(event.pid);
      seen_.erase(event.pid);
      return;
    default:
      return;
  }
}

void SummaryStats::lost(const wc_lost& event) {
  for_each_tally([&](Tally& tally) { tally.lost += event.count; });
}

// ---- Totals

SummaryStats::Seen SummaryStats::missing_from_events(const wc_totals& event,
                                                     const Name* function) const {
  Seen seen;
  if (const auto process = seen_.find(event.pid); process != seen_.end())
    if (const auto known = process->second.find(function); known != process->second.end())
      seen = known->second;
  return {event.calls - std::min(event.calls, seen.calls), event.ns - std::min(event.ns, seen.ns)};
}

void SummaryStats::add_unseen(Tally& tally, const Name* function, const Seen& unseen) {
  tally.total.calls += unseen.calls;
  Row& row = tally.rows[function];
  row.calls += unseen.calls;
  row.ns += unseen.ns;
}

// A process that execs hands over totals for each program: only what comes after counts by events
// from here on.
void SummaryStats::totals(const wc_totals& event) {
  if (options_.by != SummaryBy::kFunction) return;
  const Name* function = names_.function(view(event.function), view(event.library));
  const Seen unseen = missing_from_events(event, function);
  if ((event.flags & WC_TOTALS_SO_FAR) != 0) {
    so_far_.push_back({function, unseen});
    return;
  }
  add_unseen(whole_, function, unseen);
  if (const auto process = seen_.find(event.pid); process != seen_.end())
    process->second.erase(function);
}

// ---- Results

Tally SummaryStats::everything(uint64_t now) {
  Tally tally = whole_;
  for (const SoFar& one : so_far_) add_unseen(tally, one.function, one.more);
  so_far_.clear();
  add_open_calls(tally, now);
  return tally;
}

Tally SummaryStats::take_window(uint64_t now) {
  Tally tally = std::exchange(window_, {});
  add_open_calls(tally, now);
  window_.since = now;
  window_.lived_before = clock_.times(now);
  return tally;
}

PhaseClock::Times SummaryStats::lived(const Tally& tally, uint64_t now) const {
  PhaseClock::Times times = clock_.times(now);
  for (size_t i = 0; i < times.size(); ++i) times[i] -= std::min(times[i], tally.lived_before[i]);
  return times;
}

}  // namespace wc::backends
