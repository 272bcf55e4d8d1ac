// The summary as JSON, one object.
#include <bit>

#include "json_writer.h"
#include "summary_view.h"

namespace wc::backends {

namespace {

// The name of the array: "functions", "callers", ...
std::string_view array_name(SummaryBy by) {
  switch (by) {
    case SummaryBy::kFunction:
      return "functions";
    case SummaryBy::kCaller:
      return "callers";
    case SummaryBy::kSyscall:
      return "syscalls";
    case SummaryBy::kThread:
      return "threads";
    case SummaryBy::kPath:
      return "paths";
  }
  return "";
}

bool has_syscall_parts(SummaryBy by) {
  return by == SummaryBy::kFunction || by == SummaryBy::kPath;
}

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

class Report {
 public:
  Report(const SummaryView& view, const SummaryOptions& options, std::string& out)
      : view_(view), options_(options), json_(out) {}
  void write();

 private:
  void write_durations(const Counts& counts);
  void write_part(const ViewRow& part);
  void write_parts(std::string_view key, const std::vector<ViewRow>& parts);
  void write_row(const ViewRow& row);
  void write_phase(const ViewRow& row);
  void write_outside();
  void write_total();
  void write_histogram(const Durations& durations);

  const SummaryView& view_;
  const SummaryOptions& options_;
  JsonWriter json_;
};

// Of the `measured` calls or syscalls that were seen one by one; the average is of all of them.
void Report::write_durations(const Counts& counts) {
  json_.key("percent");
  json_.floating(percent(counts.ns, view_.lived_ns));
  const uint64_t count = counts.calls != 0 ? counts.calls : counts.durations.count();
  if (count != 0) json_.member("avg_ns", counts.ns / count);
  json_.member("measured", counts.durations.count());
  if (counts.durations.count() == 0) return;
  json_.member("p50_ns", counts.durations.percentile(50));
  json_.member("p99_ns", counts.durations.percentile(99));
  json_.member("max_ns", counts.durations.max());
  if (options_.histograms == Histograms::kShown) write_histogram(counts.durations);
}

// [at least so many nanoseconds and less than twice that, how many]
void Report::write_histogram(const Durations& durations) {
  const auto octaves = durations.octaves();
  json_.key("histogram");
  json_.begin_array();
  for (size_t i = 0; i < octaves.size(); ++i) {
    if (octaves[i] == 0) continue;
    json_.begin_array();
    json_.number(uint64_t{1} << i);
    json_.number(octaves[i]);
    json_.end_array();
  }
  json_.end_array();
}

void Report::write_part(const ViewRow& part) {
  json_.begin_object();
  json_.member("name", std::string_view(part.name));
  if (part.source != nullptr && part.source->nr != Name::kNoNumber)
    json_.member("nr", part.source->nr);
  if (part.counts.calls != 0) json_.member("calls", part.counts.calls);
  json_.member("count", part.counts.syscalls);
  json_.member("errors", part.counts.errors);
  json_.member("ns", part.counts.ns);
  json_.member("own", part.counts.own);
  write_durations(part.counts);
  json_.end_object();
}

void Report::write_parts(std::string_view key, const std::vector<ViewRow>& parts) {
  json_.key(key);
  json_.begin_array();
  for (const ViewRow& part : parts) write_part(part);
  json_.end_array();
}

void Report::write_row(const ViewRow& row) {
  json_.begin_object();
  const bool is_function = view_.by == SummaryBy::kFunction;
  json_.member(row_name(view_.by), std::string_view(is_function ? row.source->text : row.name));
  if (is_function && !row.source->library.empty())
    json_.member("library", std::string_view(row.source->library));
  if (row.source->nr != Name::kNoNumber) json_.member("nr", row.source->nr);
  json_.member("calls", row.counts.calls);
  json_.member("syscalls", row.counts.syscalls);
  json_.member("errors", row.counts.errors);
  json_.member("ns", row.counts.ns);
  json_.member("syscall_ns", row.counts.syscall_ns);
  write_parts(has_syscall_parts(view_.by) ? "by_syscall" : "by_function", row.parts);
  json_.member("own", row.counts.own);
  write_durations(row.counts);
  json_.end_object();
}

void Report::write_phase(const ViewRow& row) {
  json_.begin_object();
  json_.member("phase", std::string_view(row.name).substr(1, row.name.size() - 2));
  json_.member("syscalls", row.counts.syscalls);
  json_.member("errors", row.counts.errors);
  json_.member("ns", row.counts.ns);
  json_.member("syscall_ns", row.counts.syscall_ns);
  if (row.is_of_program) {
    json_.key("percent");
    json_.floating(percent(row.counts.ns, view_.lived_ns));
  }
  write_parts("by_syscall", row.parts);
  if (!row.libraries.empty()) write_parts("by_library", row.libraries);
  json_.end_object();
}

void Report::write_outside() {
  json_.key("outside");
  json_.begin_object();
  json_.member("syscalls", view_.all_outside.syscalls);
  json_.member("errors", view_.all_outside.errors);
  json_.member("syscall_ns", view_.all_outside.syscall_ns);
  std::map<const Name*, Counts> all;
  for (const ViewRow& row : view_.outside) {
    for (const ViewRow& part : row.parts) {
      Counts& sum = all[part.source];
      sum.syscalls += part.counts.syscalls;
      sum.errors += part.counts.errors;
      sum.ns += part.counts.ns;
    }
  }
  json_.key("by_syscall");
  json_.begin_array();
  for (const auto& [name, counts] : all) {
    json_.begin_object();
    json_.member("name", std::string_view(name->text));
    if (name->nr != Name::kNoNumber) json_.member("nr", name->nr);
    json_.member("count", counts.syscalls);
    json_.member("errors", counts.errors);
    json_.member("ns", counts.ns);
    json_.end_object();
  }
  json_.end_array();
  json_.member("ns", view_.all_outside.ns);
  json_.key("phases");
  json_.begin_array();
  for (const ViewRow& row : view_.outside) write_phase(row);
  json_.end_array();
  json_.end_object();
}

void Report::write_total() {
  json_.key("total");
  json_.begin_object();
  json_.member("calls", view_.total.calls);
  json_.member("syscalls", view_.total.syscalls);
  json_.member("errors", view_.total.errors);
  json_.member("syscall_ns", view_.total.syscall_ns);
  json_.member("ns", view_.total.ns);
  json_.member("lived_ns", view_.lived_ns);
  json_.end_object();
}

void Report::write() {
  json_.begin_object();
  json_.key(array_name(view_.by));
  json_.begin_array();
  for (const ViewRow& row : view_.rows) write_row(row);
  json_.end_array();
  write_outside();
  write_total();
  json_.member("lost", view_.lost);
  if (view_.sampled > 1) json_.member("sampled", view_.sampled);
  json_.member("by", row_name(view_.by));
  json_.member("since", view_.since);
  json_.member("until", view_.until);
  json_.member("hidden_rows", view_.hidden + view_.cut);
  json_.end_object();
}

}  // namespace

std::string summary_json(const SummaryView& view, const SummaryOptions& options) {
  std::string out;
  Report(view, options, out).write();
  out += '\n';
  return out;
}

}  // namespace wc::backends
