// Backend "summary" (-c): counts and times by function (or caller, syscall, thread, path), and what
// stands below each; printed when tracing ends, every interval=S seconds, and when the user asks
// (SIGUSR1). Processes and threads are added up.
#include <fmt/format.h>

#include "builtin.h"
#include "forward.h"
#include "run_clock.h"
#include "sink.h"
#include "summary_options.h"
#include "summary_stats.h"
#include "summary_view.h"
#include "units.h"

namespace wc::backends {

namespace {

class SummaryBackend {
 public:
  SummaryBackend(const wc_host& host, const SummaryOptions& options)
      : sink_(host), options_(options), began_(begin_of(host)), stats_(options, began_) {}

  SummaryStats& stats() { return stats_; }

  void flush(uint64_t now) {
    if (options_.interval_ns == 0 || now < stats_.window_began() + options_.interval_ns) return;
    print_window(now);
  }

  void snapshot(uint64_t now) {
    if (is_text())
      sink_.buffer() += fmt::format("until now, {} since the start:\n",
                                    short_duration(now - std::min(now, began_)));
    print(stats_.everything(now), now);
  }

  void close() {
    const uint64_t now = end_of(sink_.host());
    if (options_.interval_ns != 0) print_window(now);
    if (options_.interval_ns != 0 && is_text()) sink_.buffer() += "all together:\n";
    print(stats_.everything(now), now);
  }

 private:
  [[nodiscard]] bool is_text() const { return options_.format == SummaryFormat::kText; }

  void print_window(uint64_t now) {
    const uint64_t length = now - std::min(now, stats_.window_began());
    const Tally tally = stats_.take_window(now);
    if (is_text()) sink_.buffer() += fmt::format("the last {}:\n", short_duration(length));
    print(tally, now);
  }

  void print(const Tally& tally, uint64_t now) {
    const SummaryView view = view_of(tally, stats_, options_, now);
    switch (options_.format) {
      case SummaryFormat::kText:
        sink_.buffer() += summary_table(view, options_);
        break;
      case SummaryFormat::kJson:
        sink_.buffer() += summary_json(view, options_);
        break;
      case SummaryFormat::kCsv:
        sink_.buffer() += summary_csv(view, options_);
        break;
    }
    sink_.send();
  }

  Sink sink_;
  SummaryOptions options_;
  uint64_t began_;
  SummaryStats stats_;
};

// What costs something is asked for only where the rows need it.
uint32_t further_wants(const SummaryOptions& options) {
  uint32_t wants = 0;
  if (options.by == SummaryBy::kFunction || options.by == SummaryBy::kCaller)
    wants |= WC_WANT_PHASES;
  if (options.by == SummaryBy::kCaller) wants |= WC_WANT_CALLER;
  if (options.by == SummaryBy::kCaller && options.callers == Callers::kNamed)
    wants |= WC_WANT_STACK;
  if (options.by == SummaryBy::kPath) wants |= WC_WANT_TEXT | WC_WANT_PATHS;
  // Only functions have totals: elsewhere a call without syscalls must be seen to be counted.
  const bool has_calls = options.by == SummaryBy::kCaller || options.by == SummaryBy::kThread;
  if (has_calls && options.all_calls) wants |= WC_WANT_ALL_CALLS;
  return wants;
}

int open_summary(void** context, const wc_host* host, char* error, size_t size) {
  const Sink sink(*host);
  const auto options = read_summary_options(sink);
  if (const auto* message = std::get_if<std::string>(&options))
    return open_error(error, size, *message);
  const auto& read = std::get<SummaryOptions>(options);
  if (host->want != nullptr) host->want(host->handle, further_wants(read));
  *context = new SummaryBackend(*host, read);
  return 0;
}

SummaryBackend& self(void* context) { return *static_cast<SummaryBackend*>(context); }
SummaryStats& stats(void* context) { return self(context).stats(); }

}  // namespace

const wc_backend* summary_backend() {
  static constexpr wc_backend kSummary = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "summary",
      .wants = WC_WANT_COUNTS | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME,
      .options = "by top sort histogram interval format",
      .open = open_summary,
      .call = [](void* context, const wc_call* event) { stats(context).call(*event); },
      .syscall_exit = [](void* context,
                         const wc_syscall* event) { stats(context).syscall(*event); },
      .ret = [](void* context, const wc_return* event) { stats(context).ret(*event); },
      .process = [](void* context, const wc_process* event) { stats(context).process(*event); },
      .lost = [](void* context, const wc_lost* event) { stats(context).lost(*event); },
      .totals = [](void* context, const wc_totals* event) { stats(context).totals(*event); },
      .flush = [](void* context, uint64_t now) { self(context).flush(now); },
      .close = close_and_delete<SummaryBackend>,
      .snapshot = [](void* context, uint64_t now) { self(context).snapshot(now); },
  };
  return &kSummary;
}

}  // namespace wc::backends
