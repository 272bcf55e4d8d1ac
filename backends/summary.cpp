// Backend "summary" (-c): counts and times by function, and by syscall below each function,
// printed when tracing ends. Processes and threads are added up.
#include "builtin.h"
#include "sink.h"
#include "summary_report.h"
#include "summary_stats.h"

namespace wc::backends {

namespace {

class SummaryBackend {
 public:
  SummaryBackend(const wc_host& host, SummarySort sort, SummaryFormat format)
      : sink_(host), sort_(sort), format_(format) {}

  SummaryStats& stats() { return stats_; }

  void process(const wc_process& event) {
    if (event.event == WC_PROCESS_EXIT && event.thread == 0) stats_.exited(event.pid);
  }

  void close() {
    stats_.finish();
    sink_.buffer() = format_ == SummaryFormat::kJson ? summary_json(stats_, sort_)
                                                     : summary_table(stats_, sort_);
    sink_.send();
  }

 private:
  Sink sink_;
  SummarySort sort_;
  SummaryFormat format_;
  SummaryStats stats_;
};

int open_summary(void** context, const wc_host* host, char* error, size_t size) {
  const Sink sink(*host);
  const auto sort = parse_summary_sort(sink.option("sort"));
  if (!sort) return open_error(error, size, "option 'sort' is time, calls, syscalls or name");
  const auto format = parse_summary_format(sink.option("format"));
  if (!format) return open_error(error, size, "option 'format' is table or json");
  *context = new SummaryBackend(*host, *sort, *format);
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
      .options = "format sort",
      .open = open_summary,
      .call = [](void* context, const wc_call* event) { stats(context).call(*event); },
      .syscall_exit = [](void* context,
                         const wc_syscall* event) { stats(context).syscall(*event); },
      .ret = [](void* context, const wc_return* event) { stats(context).ret(*event); },
      .process = [](void* context, const wc_process* event) { self(context).process(*event); },
      .lost = [](void* context, const wc_lost* event) { stats(context).lost(*event); },
      .totals = [](void* context, const wc_totals* event) { stats(context).totals(*event); },
      .close =
          [](void* context) {
            self(context).close();
            delete static_cast<SummaryBackend*>(context);
          },
  };
  return &kSummary;
}

}  // namespace wc::backends
