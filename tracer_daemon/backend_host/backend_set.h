// The active backends. Every event goes to each of them that has a callback for it, in the
// order of the command line; a callback that is NULL is skipped. Nothing here throws. A backend
// that crashes gets nothing more; the others do, and take_errors() says so.
//
// With HostOptions::separately (-ff) each process has backends of its own, that write to files of
// its own, from its first event to its last; the set itself only knows what they will want.
//
// Not thread-safe: one thread of the tracer delivers events.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend_host/backend_instance.h"
#include "backend_host/demand.h"
#include "backend_host/output.h"
#include "backend_host/verdict.h"
#include "base/result.h"
#include "wc_backend.h"

namespace wc {

// Whom a call or a return is for. A backend without WC_WANT_ALL_CALLS must not see calls that
// make no syscall, while another one beside it may want them. So when any backend wants all
// calls, the pipeline delivers a call to those at its entry, and to the others when its first
// syscall comes; its return goes to everyone, or to the first only when there was no syscall.
enum class CallAudience { kEveryone, kWantsAllCalls, kWantsSyscallsOnly };

// With -ff: of one process.
std::string file_name(const HostOptions& options, const std::string& path);

class BackendSet {
 public:
  // Starts all of `specs` (see backend_spec.h), or none: the error is one line for the user.
  static Result<BackendSet> open(std::span<const std::string> specs, HostOptions options);

  BackendSet(BackendSet&&) noexcept = default;
  BackendSet& operator=(BackendSet&&) noexcept = delete;
  ~BackendSet();

  // Between two events, while tracing. A backend that joins late may see the return of a call
  // that was reported before. `planned`: what this run has been prepared for, of enum wc_want; one
  // that wants more is refused. A backend that takes another one's place has its number. Numbers
  // count from 0 in the order in which backends came.
  Result<uint32_t> add(std::string_view spec, uint32_t planned = ~0u);
  Status remove(uint32_t id);
  Status replace(uint32_t id, std::string_view spec, uint32_t planned = ~0u);
  [[nodiscard]] std::vector<std::pair<uint32_t, std::string>> list() const;  // number, spec

  // An observer that comes while tracing, or goes: then without callbacks. Of totals it gets the
  // final ones.
  void watch(const Observer& observer);

  // What all of them want together.
  [[nodiscard]] Demand demand() const { return demand_; }
  [[nodiscard]] bool wants(wc_want want) const { return demand_.wants(want); }

  // Of all that was reported so far, to whomever.
  struct Counts {
    uint64_t events = 0;  // each is one line of JSON
    uint64_t lost = 0;
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

  void call(const wc_call& event, CallAudience audience = CallAudience::kEveryone);
  void ret(const wc_return& event, CallAudience audience = CallAudience::kEveryone);
  // To those that want WC_WANT_ENTER or WC_WANT_VERDICTS. The first of those with verdicts that
  // does not say WC_GO_ON decides. What is no verdict counts as WC_GO_ON, and take_errors() says
  // so.
  BackendVerdict syscall_enter(const wc_syscall& event);
  void syscall_exit(const wc_syscall& event);
  void process(const wc_process& event);
  // To those that want WC_WANT_PHASES.
  void phase(const wc_process& event);
  void object(const wc_object& event);
  void lost(const wc_lost& event);
  // To those that want WC_WANT_COUNTS.
  void totals(const wc_totals& event);
  // To those that want WC_WANT_RAW.
  void raw(const wc_raw& piece);

  // Whether somebody can write what there is so far; then it gets the totals so far, and
  // snapshot().
  [[nodiscard]] bool has_snapshots() const;
  void snapshot(uint64_t now);

  // Periodic: whatever a live view should show by `now` (CLOCK_MONOTONIC, nanoseconds).
  void flush(uint64_t now);
  // What the backends have written reaches the kernel.
  void write_out();
  // The same where somebody may be watching. Costs next to nothing where there is nothing.
  void write_watched();
  // When flush() is to be called at the latest for what backends hold back; 0: nothing is.
  [[nodiscard]] uint64_t wake_at();
  // What they have written and will write reaches nobody: nothing was traced.
  void discard();
  // Ends all of them. Idempotent; also done by the destructor. `now`: when the run has ended; 0:
  // now.
  void close(uint64_t now = 0);

  // Lines for the user about outputs and backends that failed, each once; ask after flush and
  // close.
  std::vector<std::string> take_errors();
  // True when there is an output and every one has lost its reader (`| head`).
  [[nodiscard]] bool all_readers_gone() const;

 private:
  using Instance = std::unique_ptr<BackendInstance>;

  explicit BackendSet(HostOptions options) : options_(std::move(options)) {}
  Result<Instance> load(std::string_view spec) const;
  Status start(BackendInstance& backend);
  Result<std::shared_ptr<Output>> output_for(const BackendInstance& backend) const;
  Result<std::vector<Instance>::iterator> find(uint32_t id);
  void drop_unused_outputs();
  void count_wants();
  template <auto callback, typename Event>
  void deliver(const char* name, const Event& event, CallAudience audience);
  void note_crash(BackendInstance& backend);
  void close(BackendInstance& backend, uint64_t ended = 0);

  [[nodiscard]] Status check_folders() const;
  Status open_outputs();
  BackendSet* part_of(int32_t pid);
  void end_part(int32_t pid);
  template <typename Deliver>
  void to_part(int32_t pid, Deliver deliver_to) {
    if (BackendSet* part = part_of(pid)) deliver_to(*part);
  }

  HostOptions options_;
  std::vector<std::shared_ptr<Output>> outputs_;  // the first is the default one
  std::vector<Instance> backends_;
  std::vector<std::string> errors_;
  Demand demand_;
  Counts counts_;
  uint32_t next_id_ = 0;
  // -ff: by process. Empty pointer: its files could not be opened.
  std::vector<std::string> specs_;
  std::map<int32_t, std::unique_ptr<BackendSet>> parts_;
  std::set<int32_t> begun_;  // processes that have a file
};

}  // namespace wc
