// /proc/PID/status as typed fields. Source: proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wc::proc {

// A set of signals: signal n is bit n - 1.
class SignalSet {
 public:
  constexpr SignalSet() = default;
  constexpr explicit SignalSet(uint64_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr bool has(int signal) const {
    return signal > 0 && signal <= 64 && (bits_ >> (signal - 1) & 1) != 0;
  }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr uint64_t bits() const { return bits_; }
  friend constexpr SignalSet operator|(SignalSet a, SignalSet b) {
    return SignalSet(a.bits_ | b.bits_);
  }
  // Those of `a` that are not in `b`.
  friend constexpr SignalSet operator-(SignalSet a, SignalSet b) {
    return SignalSet(a.bits_ & ~b.bits_);
  }
  friend constexpr bool operator==(SignalSet, SignalSet) = default;

 private:
  uint64_t bits_ = 0;
};

struct UserIds {
  uid_t real = 0, effective = 0, saved = 0, file_system = 0;
};

struct Status {
  std::string name;  // with newlines and backslashes as the kernel escapes them
  char state = 0;    // 'R', 'S', 'D', 'T', 't', 'Z', 'X', ...
  pid_t tgid = 0, pid = 0, ppid = 0;
  pid_t namespace_tgid = 0;  // the process's, as it sees itself: in its innermost pid namespace
  pid_t tracer_pid = 0;      // 0: nobody traces it
  UserIds uid, gid;
  bool has_memory = false;  // not a zombie, not a thread of the kernel
  unsigned threads = 0;
  SignalSet pending, shared_pending, blocked, ignored, caught;
  uint64_t effective_capabilities = 0;  // capability n is bit n
  bool no_new_privs = false;
  int seccomp = 0;  // 0 none, 1 strict, 2 filter

  [[nodiscard]] bool is_zombie() const { return state == 'Z' || state == 'X'; }
  [[nodiscard]] bool is_thread() const { return tgid != pid; }
};

// nullopt where the ids are missing: it is no such file, or was cut off at its beginning.
std::optional<Status> parse_status(std::string_view text);

// Of a process or of one thread. Errors: ESRCH where it has ended.
Result<Status> read_status(pid_t tid);

}  // namespace wc::proc
