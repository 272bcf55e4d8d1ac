#include "summary_stats.h"

#include "escape.h"

namespace wc::backends {

namespace {

// There are some 450 syscalls; a program that makes up numbers must not make the table grow
// without bound.
constexpr size_t kMaxSyscalls = 2048;
constexpr uint32_t kOther = UINT32_MAX;

SyscallStats& slot(std::map<uint32_t, SyscallStats>& by_syscall, uint32_t nr,
                   std::string_view name) {
  const auto found = by_syscall.find(nr);
  if (found != by_syscall.end()) return found->second;
  if (by_syscall.size() >= kMaxSyscalls) {
    nr = kOther;
    name = "(other)";
  }
  SyscallStats& stats = by_syscall[nr];
  stats.name = name;
  return stats;
}

// Without a copy of the name where it is known.
template <typename Map>
typename Map::mapped_type& at(Map& map, std::string_view name) {
  const auto found = map.find(name);
  if (found != map.end()) return found->second;
  return map[std::string(name)];
}

}  // namespace

SyscallStats FunctionStats::all_syscalls() const {
  SyscallStats sum;
  for (const auto& [nr, stats] : by_syscall) sum.add(stats);
  return sum;
}

FunctionStats& SummaryStats::function(std::string_view name) { return at(functions_, name); }

SummaryStats::Seen& SummaryStats::seen(int32_t pid, std::string_view name) {
  return at(seen_[pid], name);
}

void SummaryStats::call(const wc_call& event) { ++seen(event.pid, view(event.function)).calls; }

void SummaryStats::ret(const wc_return& event) {
  // A return after the totals belongs to a call that they contain.
  Seen& counts = seen(event.pid, view(event.function));
  if (counts.calls != 0) counts.ns += event.dur;
}

void SummaryStats::syscall(const wc_syscall& event) {
  const bool is_outside = event.call == 0 || event.function == nullptr;
  FunctionStats& stats = is_outside ? outside_ : function(event.function);
  SyscallStats& syscall = slot(stats.by_syscall, event.nr, view(event.name));
  ++syscall.count;
  syscall.ns += event.dur;
  if (event.error != 0) ++syscall.errors;
}

void SummaryStats::totals(const wc_totals& event) {
  FunctionStats& stats = function(view(event.function));
  stats.library = view(event.library);
  stats.calls += event.calls;
  stats.ns += event.ns;
  // A process that execs hands over totals for each program: only what comes after counts by
  // events from here on.
  const auto process = seen_.find(event.pid);
  if (process == seen_.end()) return;
  const auto known = process->second.find(view(event.function));
  if (known != process->second.end()) process->second.erase(known);
}

void SummaryStats::take(SeenFunctions& functions) {
  for (const auto& [name, counts] : functions) {
    FunctionStats& stats = function(name);
    stats.calls += counts.calls;
    stats.ns += counts.ns;
  }
}

void SummaryStats::exited(int32_t pid) {
  const auto process = seen_.find(pid);
  if (process == seen_.end()) return;
  take(process->second);
  seen_.erase(process);
}

void SummaryStats::finish() {
  for (auto& [pid, functions] : seen_) take(functions);
  seen_.clear();
}

}  // namespace wc::backends
