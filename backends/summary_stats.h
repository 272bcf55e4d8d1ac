// What the summary counts, apart from how it is shown.
//
// The number of calls of a function and the time in them come from the totals that a process
// hands over at its end (wc_totals). A process that died before it could is counted by
// its events instead, which know only the calls that were reported.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "wc_backend.h"

namespace wc::backends {

struct SyscallStats {
  std::string name;
  uint64_t count = 0;
  uint64_t errors = 0;
  uint64_t ns = 0;

  void add(const SyscallStats& other) {
    count += other.count;
    errors += other.errors;
    ns += other.ns;
  }
};

struct FunctionStats {
  std::string library;  // empty when only events are known
  uint64_t calls = 0;
  uint64_t ns = 0;  // in the function, nested calls included
  std::map<uint32_t, SyscallStats> by_syscall;

  [[nodiscard]] SyscallStats all_syscalls() const;
};

class SummaryStats {
 public:
  using Functions = std::map<std::string, FunctionStats, std::less<>>;

  void call(const wc_call& event);
  void syscall(const wc_syscall& event);
  void ret(const wc_return& event);
  void totals(const wc_totals& event);
  void lost(const wc_lost& event) { lost_ += event.count; }
  // The process is gone: what its totals did not tell counts by its events.
  void exited(int32_t pid);
  // Before the results are read.
  void finish();

  [[nodiscard]] const Functions& functions() const { return functions_; }
  // Syscalls outside of every call; its calls are 0.
  [[nodiscard]] const FunctionStats& outside() const { return outside_; }
  [[nodiscard]] uint64_t lost() const { return lost_; }

 private:
  struct Seen {
    uint64_t calls = 0;
    uint64_t ns = 0;
  };
  using SeenFunctions = std::map<std::string, Seen, std::less<>>;
  FunctionStats& function(std::string_view name);
  Seen& seen(int32_t pid, std::string_view name);
  void take(SeenFunctions& functions);

  Functions functions_;
  FunctionStats outside_;
  std::unordered_map<int32_t, SeenFunctions> seen_;  // by process, not yet in functions_
  uint64_t lost_ = 0;
};

}  // namespace wc::backends
