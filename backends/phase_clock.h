// How long the threads of the traced processes have lived, by what their process was doing: the
// time that calls and syscalls are a part of. A process with three threads lives three seconds a
// second.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace wc::backends {

enum Phase : unsigned {
  kNoPhase,       // nobody says; all of the time, where the tracer does not look
  kLoader,        // ld.so maps libraries and relocates
  kConstructors,  // of the libraries
  kBeforeMain,    // from the program's entry point on: the C library's start, its own constructors
  kMain,
  kExit,  // after main, or exit(3)
  kPhases
};

Phase phase_of(std::string_view text);
std::string_view name_of(Phase phase);  // "loader", ...; "outside" where there are no phases

class PhaseClock {
 public:
  using Times = std::array<uint64_t, kPhases>;

  // Threads that were there before are seen from `now` on.
  explicit PhaseClock(uint64_t now) : opened_(now) {}

  void process_begins(int32_t pid, uint64_t ts);
  void process_forks(int32_t parent, int32_t child, uint64_t ts);
  void program_begins(int32_t pid, uint64_t ts);  // after exec(2): with one thread
  void process_ends(int32_t pid, uint64_t ts);
  void thread_begins(int32_t pid, int32_t tid, uint64_t ts);
  void thread_ends(int32_t pid, int32_t tid, uint64_t ts);
  void enter(int32_t pid, Phase phase, uint64_t ts);
  // Of a process that is seen for the first time: it was attached to.
  Phase phase(int32_t pid, int32_t tid);

  [[nodiscard]] bool knows_phases() const { return knows_phases_; }
  // Up to `now`; time stamps of different threads may step back a little.
  [[nodiscard]] Times times(uint64_t now) const;

 private:
  struct Process {
    Phase phase = kNoPhase;
    uint64_t since = 0;  // up to there it is counted
    std::unordered_set<int32_t> threads;
  };
  Process& known(int32_t pid);
  void advance(Process& process, uint64_t ts);

  uint64_t opened_;
  bool knows_phases_ = false;
  Times times_{};
  std::unordered_map<int32_t, Process> processes_;
};

}  // namespace wc::backends
