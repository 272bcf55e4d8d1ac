// When the flight recorder's entries are written (--flight-on, SIGUSR2, wc-ctl snapshot), and
// where.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "base/result.h"
#include "events/tape.h"
#include "wc_backend.h"

namespace wc {

struct FlightOptions {
  uint32_t most = 0;  // events of a thread; 0: there is no flight recorder
  bool on_exit = true, on_signal = true, on_rule = false;
  uint64_t slow = 0;     // nanoseconds of a system call; 0: never mind
  std::set<int> errors;  // of a system call
  std::string file;      // the first one; later ones get .2, .3, ...
  uint64_t began = 0;    // the run
  std::function<void(const std::string&)> say;
};

class FlightWatch {
 public:
  void begin(const FlightOptions& options, const Tape* tape, std::string head);
  [[nodiscard]] bool is_on() const { return options_.most != 0 && tape_ != nullptr; }

  // Events that may be reasons.
  void started(pid_t pid);
  void exited(pid_t pid, int status);
  void syscall(const wc_syscall& event) {
    if (is_on() && is_reason(event)) note(reason_of(event));
  }
  // Writes, if there was a reason since the last time. Between two entries.
  void settle();

  // Now, into this file.
  Status write(const std::string& path) const;
  // Now, into the next of the recorder's own files; `why` stands in a line to the user.
  void write_own(const std::string& why);

 private:
  [[nodiscard]] bool is_reason(const wc_syscall& event) const;
  static std::string reason_of(const wc_syscall& event);
  void note(std::string why);

  FlightOptions options_;
  const Tape* tape_ = nullptr;
  std::string head_, due_;
  pid_t first_ = 0;
  unsigned files_ = 0;
  uint64_t last_ = 0;  // when a system call was the reason
};

}  // namespace wc
