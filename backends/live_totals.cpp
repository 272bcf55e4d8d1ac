#include "live_totals.h"

#include <algorithm>
#include <span>

#include "frames.h"
#include "summary_view.h"
#include "text_words.h"

namespace wc::backends {

namespace {

uint32_t wants_of(SummaryBy by) {
  if (by == SummaryBy::kCaller) return WC_WANT_CALLER;
  if (by == SummaryBy::kPath) return WC_WANT_TEXT | WC_WANT_PATHS;
  return by == SummaryBy::kFunction ? WC_WANT_COUNTS : 0;
}

}  // namespace

template <auto method, typename Event>
void LiveTotals::to_views(void* context, const Event* event) {
  for (View& view : static_cast<LiveTotals*>(context)->views_) (view.stats.*method)(*event);
}

LiveTotals::LiveTotals(const Options& options, uint64_t now)
    : options_(options),
      callbacks_{
          .abi = WC_BACKEND_ABI,
          .struct_size = sizeof(wc_backend),
          .name = "watcher",
          .wants = WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME,
          .call = to_views<&SummaryStats::call, wc_call>,
          .syscall_exit =
              [](void* context, const wc_syscall* event) {
                to_views<&SummaryStats::syscall>(context, event);
                static_cast<LiveTotals*>(context)->keep(*event);
              },
          .ret = to_views<&SummaryStats::ret, wc_return>,
          .process = to_views<&SummaryStats::process, wc_process>,
          .lost = to_views<&SummaryStats::lost, wc_lost>,
          .totals =
              [](void* context, const wc_totals* event) {
                static_cast<LiveTotals*>(context)->count_totals(*event, event->flags);
              },
      } {
  for (const SummaryBy by : {SummaryBy::kFunction, SummaryBy::kCaller, SummaryBy::kSyscall,
                             SummaryBy::kThread, SummaryBy::kPath}) {
    if (std::ranges::find(options_.by, row_name(by)) == options_.by.end()) continue;
    SummaryOptions summary;
    summary.by = by;
    summary.top = options_.top;
    summary.rows = RowChoice::kAll;
    views_.push_back({summary, SummaryStats(summary, now)});
    callbacks_.wants |= wants_of(by);
  }
  if (options_.recent != 0) callbacks_.wants |= WC_WANT_TEXT;
  if (options_.recent != 0 && options_.has_stacks) callbacks_.wants |= WC_WANT_STACK;
}

void LiveTotals::leave_out(const wc_totals& so_far) {
  before_[{so_far.pid, std::string(view(so_far.function)), std::string(view(so_far.library))}] = {
      so_far.calls, so_far.ns};
}

void LiveTotals::count_totals(wc_totals event, uint32_t flags) {
  const auto before = before_.find(
      {event.pid, std::string(view(event.function)), std::string(view(event.library))});
  event.flags = flags;
  if (before != before_.end()) {
    const auto [calls, ns] = before->second;
    event.calls -= std::min(event.calls, calls);
    event.ns -= std::min(event.ns, ns);
    // The next program of this process counts anew.
    if ((flags & WC_TOTALS_SO_FAR) == 0) before_.erase(before);
  }
  to_views<&SummaryStats::totals>(this, &event);
}

bool LiveTotals::is_wanted(const wc_syscall& event) const {
  if (options_.function.empty()) return true;
  const std::span chain(event.chain, event.chain_length);
  return std::ranges::any_of(chain, [&](const char* name) { return options_.function == name; });
}

void LiveTotals::keep(const wc_syscall& event) {
  if (options_.recent == 0 || !is_wanted(event)) return;
  Recent one;
  if (recent_.size() >= options_.recent) {
    one = std::move(recent_.front());  // its strings have room
    recent_.pop_front();
  }
  one.ts = event.ts;
  one.dur = event.dur;
  one.pid = event.pid;
  one.tid = event.tid;
  one.function = view(event.function);
  one.text = view(event.name);
  one.text += '(';
  one.text += view(event.args_text);
  one.text += ") = ";
  one.text += view(event.ret_text);
  one.error = view(event.error_name);
  one.stack.clear();
  for (const wc_stack_frame& frame : std::span(event.frames, event.frame_count))
    append_frame(one.stack.emplace_back(), frame);
  recent_.push_back(std::move(one));
}

void LiveTotals::write_recent(JsonWriter& json) const {
  json.key("recent");
  json.begin_array();
  for (const Recent& one : recent_) {
    json.begin_object();
    json.member("ts", one.ts);
    json.member("dur", one.dur);
    json.member("pid", one.pid);
    json.member("tid", one.tid);
    if (!one.function.empty()) json.member("function", std::string_view(one.function));
    json.member("text", std::string_view(one.text));
    if (!one.error.empty()) json.member("error", std::string_view(one.error));
    if (options_.has_stacks) {
      json.key("stack");
      json.begin_array();
      for (const std::string& frame : one.stack) json.string(frame);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
}

void LiveTotals::write(JsonWriter& json, uint64_t now) {
  for (View& one : views_) {
    json.key(row_name(one.options.by));
    json.raw(
        summary_json(view_of(one.stats.everything(now), one.stats, one.options, now), one.options));
  }
  if (options_.recent != 0) write_recent(json);
}

}  // namespace wc::backends
