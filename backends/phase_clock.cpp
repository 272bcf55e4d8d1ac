#include "phase_clock.h"

#include <algorithm>

namespace wc::backends {

namespace {

constexpr std::array<std::string_view, kPhases> kNames = {"outside",     "loader", "constructors",
                                                          "before main", "main",   "exit"};

}  // namespace

Phase phase_of(std::string_view text) {
  const auto found = std::find(kNames.begin() + 1, kNames.end(), text);
  return found == kNames.end() ? kNoPhase : static_cast<Phase>(found - kNames.begin());
}

std::string_view name_of(Phase phase) { return kNames[phase]; }

void PhaseClock::advance(Process& process, uint64_t ts) {
  if (ts <= process.since) return;
  times_[process.phase] += (ts - process.since) * process.threads.size();
  process.since = ts;
}

PhaseClock::Process& PhaseClock::known(int32_t pid) {
  const auto [place, is_new] = processes_.try_emplace(pid);
  if (is_new) {
    place->second.since = opened_;
    place->second.threads.insert(pid);
  }
  return place->second;
}

void PhaseClock::process_begins(int32_t pid, uint64_t ts) {
  Process& process = processes_[pid];
  process = {};
  process.since = ts;
  process.threads.insert(pid);
}

void PhaseClock::process_forks(int32_t parent, int32_t child, uint64_t ts) {
  const Phase phase = known(parent).phase;
  process_begins(child, ts);
  processes_[child].phase = phase;
}

void PhaseClock::program_begins(int32_t pid, uint64_t ts) {
  advance(known(pid), ts);
  process_begins(pid, ts);
}

void PhaseClock::process_ends(int32_t pid, uint64_t ts) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  advance(found->second, ts);
  processes_.erase(found);
}

void PhaseClock::thread_begins(int32_t pid, int32_t tid, uint64_t ts) {
  Process& process = known(pid);
  advance(process, ts);
  process.threads.insert(tid);
}

void PhaseClock::thread_ends(int32_t pid, int32_t tid, uint64_t ts) {
  Process& process = known(pid);
  advance(process, ts);
  process.threads.erase(tid);
}

void PhaseClock::enter(int32_t pid, Phase phase, uint64_t ts) {
  Process& process = known(pid);
  advance(process, ts);
  process.phase = phase;
  knows_phases_ = true;
}

Phase PhaseClock::phase(int32_t pid, int32_t tid) {
  Process& process = known(pid);
  const bool is_new = process.threads.insert(tid).second;
  if (is_new && process.since > opened_) times_[process.phase] += process.since - opened_;
  return process.phase;
}

PhaseClock::Times PhaseClock::times(uint64_t now) const {
  Times times = times_;
  for (const auto& [pid, process] : processes_)
    if (now > process.since) times[process.phase] += (now - process.since) * process.threads.size();
  return times;
}

}  // namespace wc::backends
