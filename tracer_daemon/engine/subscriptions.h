// `subscribe` of wc-ctl: who watches a run gets what has been counted since it asked, again and
// again. Nobody waits for a watcher: what it has not read when the next line is due is its loss,
// and the line after it says how many it has missed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/control_server.h"
#include "recording/thread_records.h"
#include "recording/totals.h"
#include "tracee/tracees.h"

namespace wc {

class Subscriptions {
 public:
  struct Parts {
    Tracees& tracees;
    ThreadRecords& records;
    const Totals& totals;
  };
  Subscriptions(const TraceRun& run, const Parts& parts);
  ~Subscriptions();
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  // `words`: of the request. The peer has its answer before the first line.
  Status add(std::string_view words, std::shared_ptr<ControlPeer> peer);
  [[nodiscard]] bool is_empty() const { return all_.empty(); }
  // Of those of this connection. `words`: of the request.
  Status change_interval(std::string_view words, const ControlPeer& peer);
  // Sends the lines that are due, and forgets those that have gone.
  void send_due(uint64_t now);
  // When the next one is (CLOCK_MONOTONIC, nanoseconds); 0: never.
  [[nodiscard]] uint64_t due() const { return due_; }
  // The last line, whatever is due: the run ends.
  void end();

 private:
  struct One;
  // Of each function in each process.
  void each_so_far(const std::function<void(const wc_totals&)>& visit) const;
  enum class Last { No, Yes };
  std::string line_of(One& one, uint64_t now, Last last);
  void drop(One& one);
  void plan();

  const TraceRun& run_;
  Parts parts_;
  std::vector<std::unique_ptr<One>> all_;
  uint64_t due_ = 0;
};

}  // namespace wc
