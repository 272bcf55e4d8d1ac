// What a run has done, as a policy needs it: which system calls were made inside of each function,
// or by each object's calls.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "wc_backend.h"

namespace wc::backends {

using Syscalls = std::set<std::string>;

// A place that a rule can name. Functions are sorted by it.
struct PolicyPlace {
  uint32_t kind = WC_FUNCTION_WRAPPED;  // enum wc_function_kind
  std::string name;                     // of a function; empty for an object
  std::string object;                   // the function's library, or the calling object

  auto operator<=>(const PolicyPlace&) const = default;
};

class PolicyRecord {
 public:
  enum class By { Function, Object };

  explicit PolicyRecord(By by) : by_(by) {}

  void call(const wc_call& event);
  void syscall(const wc_syscall& event);
  void ret(const wc_return& event) { calls_.erase(event.call); }
  void process(const wc_process& event);
  void totals(const wc_totals& event);
  void lost(const wc_lost& event) { lost_ += event.count; }

  [[nodiscard]] const std::map<PolicyPlace, Syscalls>& places() const { return places_; }
  [[nodiscard]] const Syscalls& in_calls() const { return in_calls_; }
  // Of --scope=process: what no call made.
  [[nodiscard]] const Syscalls& outside() const { return outside_; }
  // Made by the 32-bit entry, whose numbers no rule knows.
  [[nodiscard]] const Syscalls& of_i386() const { return of_i386_; }
  [[nodiscard]] const std::set<std::string>& programs() const { return programs_; }
  // Nothing has begun or been made.
  [[nodiscard]] bool is_blank() const {
    return programs_.empty() && places_.empty() && outside_.empty();
  }
  [[nodiscard]] bool has_threads() const { return has_threads_; }
  [[nodiscard]] uint64_t lost() const { return lost_; }

 private:
  struct Call {
    uint64_t parent = 0;
    Syscalls* made = nullptr;
  };

  By by_;
  std::unordered_map<uint64_t, Call> calls_;  // open ones, by id
  std::map<PolicyPlace, Syscalls> places_;
  Syscalls in_calls_, outside_, of_i386_;
  std::set<std::string> programs_;
  bool has_threads_ = false;
  uint64_t lost_ = 0;
};

}  // namespace wc::backends
