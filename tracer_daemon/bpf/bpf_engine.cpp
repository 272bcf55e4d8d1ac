#include "bpf/bpf_engine.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <set>

#include "bpf/attribution.h"
#include "bpf/capture_rows.h"
#include "bpf/kernel_side.h"
#include "bpf/probing.h"
#include "bpf/rights.h"
#include "breakpoints/mapped_objects.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/status.h"
#include "signals/passed_signals.h"
#include "signals/signal_inbox.h"

namespace wc {
namespace {

constexpr uint64_t kTick = 100'000'000;  // nanoseconds between two looks at outputs
// While records come they are fetched every millisecond, so that making one wakes nobody. After so
// many fetches without one the tracer sleeps until it is woken.
constexpr int kBusyPeriod = 1;
constexpr int kIdleFetches = 50;

class BpfEngine final : public TraceEngine, private BpfAttribution::Listener {
 public:
  BpfEngine(BpfOptions options, Pipeline& pipeline, std::unique_ptr<KernelSide> kernel)
      : options_(std::move(options)),
        pipeline_(pipeline),
        kernel_(std::move(kernel)),
        probing_(options_, *kernel_),
        attribution_(pipeline, probing_.functions()) {
    attribution_.tell(this);
  }

  Status begin();
  Status prepare(const std::string& program) override;
  Status add_first(pid_t pid) override;
  Status attach(pid_t pid) override;
  Result<int> run() override;
  void remove_copies() override {}
  [[nodiscard]] bool was_stopped() const override { return false; }
  [[nodiscard]] bool output_failed() const override { return output_failed_; }

 private:
  void on_program(pid_t pid) override;
  void on_process_end(pid_t pid) override;
  void on_signal(pid_t pid, const siginfo_t& info) override;

  void say(int level, const std::string& text) const {
    if (options_.verbose >= level) options_.say(text);
  }
  size_t fetch();
  void wait(int period);
  void wait_for_record();
  bool receive_signals();
  void reap();
  void report_lost();
  void report_totals(pid_t pid);
  void on_tick(uint64_t now);
  void take_output_errors();
  void say_last_words();

  BpfOptions options_;
  Pipeline& pipeline_;
  std::unique_ptr<KernelSide> kernel_;
  std::unique_ptr<MapWatch> maps_;
  uint64_t maps_known_at_ = 0;
  Probing probing_;
  BpfAttribution attribution_;
  PassedSignals passed_;
  pid_t first_ = 0;
  bool first_has_ended_ = false;
  int status_ = 0;
  uint64_t reported_lost_ = 0;
  uint64_t next_tick_ = 0;
  bool output_failed_ = false;
};

Status BpfEngine::begin() {
  for (uint32_t nr = 0; nr < WC_BPF_SYSCALLS; nr++) {
    const bool is_reported = nr >= options_.syscalls.size() || options_.syscalls[nr];
    kernel_->set_syscall_plan(
        nr, plan_for_syscall(nr, is_reported, options_.decode, options_.with_memory));
  }
  if (auto started = kernel_->start(); !started) return started;
  say(1, kernel_->has_multi_links()
             ? "engine bpf: many probes by one link (uprobe_multi)"
             : "engine bpf: one perf event for each probe; Linux 6.6 needs fewer descriptors");
  for (const auto& [name, count] : kernel_->verified())
    say(2, "program " + name + ": " + std::to_string(count) + " instructions were verified");
  return Done{};
}

// ---- probes

Status BpfEngine::prepare(const std::string& program) {
  if (program.empty() || options_.breaks == nullptr) return Done{};
  const auto objects = objects_of({program, program, true});
  std::vector<std::string> warnings;
  if (auto fits = options_.breaks->check_running(objects, warnings); !fits) return fits;
  for (const std::string& warning : warnings) say(0, warning);
  probing_.probe(objects);
  return Done{};
}

// ---- processes

Status BpfEngine::add_first(pid_t pid) {
  first_ = pid;
  attribution_.add_process(pid, false);
  if (auto maps = MapWatch::start(pid)) {
    maps_ = std::move(*maps);
    attribution_.watch_maps(maps_.get());
  } else {
    say(1, "engine bpf: " + maps.error().message +
               ": callers in programs that have ended are shown as addresses");
  }
  return kernel_->follow(pid);
}

Status BpfEngine::attach(pid_t pid) {
  // Its filter may not know the syscall by which the kernel returns from return probes.
  constexpr int kFilter = 2;
  if (auto status = proc::read_status(pid); status && status->seccomp == kFilter)
    probing_.spare_return_addresses();
  probing_.probe(mapped_objects(pid));
  attribution_.add_process(pid, true);
  return kernel_->follow(pid);
}

void BpfEngine::on_program(pid_t pid) {
  const std::string path = proc::exe_path(pid);
  if (!path.empty()) probing_.probe(objects_of({path, proc::path_of(pid, "exe"), true}));
}

void BpfEngine::on_process_end(pid_t pid) {
  report_totals(pid);
  passed_.ended(pid, TickClock::now());
}

void BpfEngine::on_signal(pid_t pid, const siginfo_t& info) {
  passed_.arrived(pid, info, TickClock::now());
}

void BpfEngine::report_totals(pid_t pid) {
  if (!options_.counts) return;
  for (const auto& [key, counter] : kernel_->take_counters(pid)) {
    if (key.function >= probing_.functions().functions.size()) continue;
    pipeline_.totals(pid, probing_.functions().functions[key.function],
                     {counter.calls, counter.nanoseconds}, 0);
  }
}

// ---- the loop

size_t BpfEngine::fetch() {
  return kernel_->drain([this](const wc_bpf_record& record, std::span<const unsigned char> pieces) {
    // Whatever was mapped before this record has been told by now.
    if (maps_ != nullptr && record.time >= maps_known_at_) {
      maps_known_at_ = TickClock::now();
      maps_->fetch();
    }
    attribution_.digest(record, pieces);
  });
}

void BpfEngine::wait(int period) {
  pollfd waits{kernel_->ring_descriptor(), POLLIN, 0};
  poll(&waits, 1, period);
}

// What was recorded before the kernel side knew that it must wake us is found by one more look.
void BpfEngine::wait_for_record() {
  kernel_->wake_me(true);
  if (fetch() == 0) {
    pipeline_.backends().write_out();
    wait(static_cast<int>(kTick / 1'000'000));
  }
  kernel_->wake_me(false);
}

bool BpfEngine::receive_signals() {
  bool stops = false;
  auto is_traced = [this](pid_t pid) { return attribution_.processes().contains(pid); };
  while (auto received = take_signal()) {
    const bool was_empty = passed_.empty();
    passed_.receive(*received, is_traced);
    if (options_.signals_stop && was_empty && !passed_.empty()) stops = true;
  }
  if (passed_.empty()) return stops;
  for (const ReceivedSignal& due : passed_.due(TickClock::now()))
    for (const auto& [pid, process] : attribution_.processes()) {
      const bool is_meant = first_has_ended_ || pid == first_;
      if (!is_meant || passed_.has_got(pid, due)) continue;
      if (due.code == SI_QUEUE)
        sigqueue(pid, due.signal, due.value);
      else
        kill(pid, due.signal);
    }
  return stops;
}

void BpfEngine::reap() {
  int status = 0;
  if (first_ == 0 || first_has_ended_ || waitpid(first_, &status, WNOHANG) != first_) return;
  first_has_ended_ = true;
  status_ = status;
}

void BpfEngine::report_lost() {
  const LostCounts lost = kernel_->lost();
  const uint64_t all = lost.syscalls + lost.calls + lost.others;
  if (all == reported_lost_) return;
  pipeline_.lost(first_, all - reported_lost_);
  reported_lost_ = all;
}

void BpfEngine::take_output_errors() {
  for (const std::string& error : pipeline_.backends().take_errors()) {
    say(0, error);
    output_failed_ = true;
  }
}

void BpfEngine::on_tick(uint64_t now) {
  const bool is_tick = now >= next_tick_;
  const uint64_t due = is_tick ? now : pipeline_.backends().wake_at();
  if (due != 0 && due <= now)
    pipeline_.backends().flush(now);
  else
    pipeline_.backends().write_out();
  if (!is_tick) return;
  next_tick_ = now + kTick;
  report_lost();
  take_output_errors();
}

void BpfEngine::say_last_words() {
  const LostCounts lost = kernel_->lost();
  if (lost.too_deep != 0)
    say(1,
        std::to_string(lost.too_deep) +
            " calls were deeper than 128 and are not told apart; their system calls are reported "
            "under the deepest that is");
  if (lost.threads != 0)
    say(0, std::to_string(lost.threads) +
               " threads or processes were not followed: the kernel had no memory for them");
}

Result<int> BpfEngine::run() {
  int idle = 0;
  for (;;) {
    const size_t found = fetch();
    idle = found != 0 ? 0 : idle + 1;
    reap();
    const bool is_over = attribution_.processes().empty() && (first_ == 0 || first_has_ended_);
    if (is_over || receive_signals()) break;
    // It was killed before its first program, or could not execute it: nobody has recorded more.
    if (first_has_ended_ && found == 0 && idle > kIdleFetches) break;
    on_tick(TickClock::now());
    if (found == 0 && idle > kIdleFetches)
      wait_for_record();
    else
      wait(kBusyPeriod);
  }
  fetch();
  attribution_.end_all();
  for (const auto& [pid, process] : attribution_.processes()) report_totals(pid);
  report_lost();
  say_last_words();
  return status_;
}

}  // namespace

Status bpf_is_built() { return Done{}; }

Result<std::unique_ptr<TraceEngine>> make_bpf_engine(BpfOptions options, Pipeline& pipeline) {
  if (auto allowed = check_bpf_rights(); !allowed) return allowed.error();
  auto kernel = KernelSide::load({options.all_calls, options.counts, options.follow});
  if (!kernel) return kernel.error();
  auto engine = std::make_unique<BpfEngine>(std::move(options), pipeline, std::move(*kernel));
  if (auto begun = engine->begin(); !begun) return begun.error();
  return std::unique_ptr<TraceEngine>(std::move(engine));
}

}  // namespace wc
