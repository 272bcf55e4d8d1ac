// The summary as people read it, 80 columns wide.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "append.h"
#include "escape.h"
#include "summary_view.h"
#include "units.h"

namespace wc::backends {

namespace {

constexpr size_t kWidth = 80;
constexpr size_t kColumns = 10;
constexpr size_t kLeastNameWidth = 8;
constexpr size_t kMostParts = 6;  // below a row; the rest is summed up
constexpr std::array<std::string_view, kColumns> kHeads = {"calls", "all", "own", "errors", "total",
                                                           "%",     "avg", "p50", "p99",    "max"};
enum Column : size_t { kCalls, kAll, kOwn, kErrors, kTotal, kPercent, kAvg, kP50, kP99, kMax };

struct Line {
  std::array<std::string, kColumns> cells;  // an empty one does not apply
  std::string name;
};

std::string number(uint64_t value) { return short_count(value); }
std::string number_or_blank(uint64_t value) { return value != 0 ? number(value) : ""; }

std::string escaped(std::string_view text, std::string_view before = "") {
  std::string out(before);
  append_escaped(out, text);
  return out;
}

class Table {
 public:
  Table(const SummaryView& view, const SummaryOptions& options) : view_(view), options_(options) {}
  std::string text();

 private:
  Line line_of(const Counts& counts, std::string name) const;
  static void add_durations(const Counts& counts, Line& line);
  void add_row(const ViewRow& row);
  void add_parts(const std::vector<ViewRow>& parts, std::string_view before);
  void add_total();
  void measure();
  void append_line(std::string& out, const Line& line) const;
  void append_rule(std::string& out) const;
  void append_notes(std::string& out) const;
  [[nodiscard]] size_t name_width() const;

  const SummaryView& view_;
  const SummaryOptions& options_;
  std::vector<Line> lines_;
  std::array<size_t, kColumns> widths_{};
  bool has_unseen_ = false;
};

void Table::add_durations(const Counts& counts, Line& line) {
  const uint64_t count = counts.calls != 0 ? counts.calls : counts.durations.count();
  if (count != 0) line.cells[kAvg] = short_duration(counts.ns / count);
  const Durations& durations = counts.durations;
  if (durations.count() == 0) return;
  line.cells[kP50] = short_duration(durations.percentile(50));
  line.cells[kP99] = short_duration(durations.percentile(99));
  line.cells[kMax] = short_duration(durations.max());
}

Line Table::line_of(const Counts& counts, std::string name) const {
  Line line;
  line.cells[kCalls] = number_or_blank(counts.calls);
  line.cells[kAll] = number(counts.syscalls);
  line.cells[kOwn] = number(counts.own);
  line.cells[kErrors] = number_or_blank(counts.errors);
  line.cells[kTotal] = short_duration(counts.ns);
  line.cells[kPercent] = short_percent(counts.ns, view_.lived_ns);
  add_durations(counts, line);
  line.name = std::move(name);
  return line;
}

// One line, and bars of the durations' powers of two.
void append_histogram(std::vector<Line>& lines, const Durations& durations) {
  constexpr size_t kBar = 30;
  const auto octaves = durations.octaves();
  const uint64_t most = *std::max_element(octaves.begin(), octaves.end());
  const auto is_used = [](uint64_t count) { return count != 0; };
  const auto first = std::find_if(octaves.begin(), octaves.end(), is_used) - octaves.begin();
  const auto last =
      std::find_if(octaves.rbegin(), octaves.rend(), is_used).base() - octaves.begin();
  for (auto i = first; i < last; ++i) {
    const uint64_t count = octaves[static_cast<size_t>(i)];
    const auto length =
        static_cast<size_t>((count * kBar + most - 1) / std::max<uint64_t>(most, 1));
    Line line;
    line.name = fmt::format("{:>18} |{:<{}}| {}", short_duration(uint64_t{1} << i) + " ..",
                            std::string(length, '#'), kBar, number(count));
    lines.push_back(std::move(line));
  }
}

void Table::add_parts(const std::vector<ViewRow>& parts, std::string_view before) {
  const bool shows_all = options_.rows == RowChoice::kAll || parts.size() <= kMostParts;
  const size_t shown = shows_all ? parts.size() : kMostParts - 1;
  for (size_t i = 0; i < shown; ++i)
    lines_.push_back(line_of(parts[i].counts, escaped(parts[i].name, before)));
  if (shown == parts.size()) return;
  Counts rest;
  for (size_t i = shown; i < parts.size(); ++i) {
    rest.calls += parts[i].counts.calls;
    rest.syscalls += parts[i].counts.syscalls;
    rest.own += parts[i].counts.own;
    rest.errors += parts[i].counts.errors;
    rest.ns += parts[i].counts.ns;
  }
  lines_.push_back(line_of(rest, fmt::format("{}{} others", before, parts.size() - shown)));
}

// A place that calls one function only has one line.
void Table::add_row(const ViewRow& row) {
  const bool marks = row.source != nullptr && row.has_unseen();
  const bool is_one_line =
      view_.by == SummaryBy::kCaller && row.source != nullptr && row.parts.size() == 1;
  has_unseen_ = has_unseen_ || marks;
  std::string name = escaped(row.name);
  if (is_one_line) name += ": " + escaped(row.parts.front().name);
  if (marks) name += " *";
  lines_.push_back(line_of(row.counts, std::move(name)));
  if (!row.is_of_program) lines_.back().cells[kPercent].clear();
  if (options_.histograms == Histograms::kShown) append_histogram(lines_, row.counts.durations);
  add_parts(row.libraries, "  ");
  if (!is_one_line) add_parts(row.parts, "  ");
}

// Its calls, nested ones among them, and each syscall once; its time is that of outermost calls.
void Table::add_total() {
  Line line = line_of(view_.total, "total");
  for (const Column column : {kAvg, kP50, kP99, kMax}) line.cells[column].clear();
  const bool has_calls = view_.total.calls != 0;
  if (!has_calls) {
    line.cells[kTotal] = short_duration(view_.total.syscall_ns);
    line.cells[kPercent] = short_percent(view_.total.syscall_ns, view_.lived_ns);
  }
  lines_.push_back(std::move(line));
}

void Table::measure() {
  for (size_t i = 0; i < kColumns; ++i) {
    widths_[i] = kHeads[i].size();
    for (const Line& line : lines_) widths_[i] = std::max(widths_[i], line.cells[i].size());
  }
}

size_t Table::name_width() const {
  size_t used = 1;  // between the last column and the name
  for (const size_t width : widths_) used += width + 1;
  return used + kLeastNameWidth < kWidth ? kWidth - used : kLeastNameWidth;
}

// In the middle: names differ at both ends.
std::string shortened(const std::string& text, size_t width) {
  constexpr std::string_view kGap = "...";
  if (text.size() <= width) return text;
  const size_t behind = (width - kGap.size()) / 2;
  return text.substr(0, width - kGap.size() - behind) + std::string(kGap) +
         text.substr(text.size() - behind);
}

// A name that does not fit stands on a line of its own, above.
void Table::append_line(std::string& out, const Line& line) const {
  const bool has_cells = std::ranges::any_of(line.cells, [](const auto& c) { return !c.empty(); });
  if (!has_cells) {
    out += shortened(line.name, kWidth) + "\n";
    return;
  }
  const bool fits = line.name.size() <= name_width();
  std::string cells;
  for (size_t i = 0; i < kColumns; ++i) append_format(cells, "{:>{}} ", line.cells[i], widths_[i]);
  if (fits) cells += " " + line.name;
  cells.erase(cells.find_last_not_of(' ') + 1);
  if (!fits) out += shortened(line.name, kWidth) + "\n";
  out += cells + "\n";
}

void Table::append_rule(std::string& out) const {
  for (const size_t width : widths_) out += std::string(width, '-') + " ";
  out += " " + std::string(name_width(), '-') + "\n";
}

std::string plural(uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

void Table::append_notes(std::string& out) const {
  const auto note = [&out](std::string text) { out += std::move(text) + "\n"; };
  if (view_.cut != 0) note(plural(view_.cut, "more row is", "more rows are") + " not shown (top)");
  if (view_.hidden != 0)
    note(fmt::format("{} ({}) made no system call; -a shows them",
                     plural(view_.hidden, "function", "functions"),
                     plural(view_.hidden_calls, "call", "calls")));
  if (has_unseen_) note("* p50, p99, max: of the calls that made a system call");
  if (view_.total.calls != 0)
    note(
        "syscalls: all = with those of nested calls, own = without; a row's time includes\n"
        "nested calls, the total counts each moment and each syscall once");
  else
    note("total: the time in system calls");
  if (view_.lived_ns != 0)
    note(fmt::format("100 % is {}, how long all threads together have lived",
                     short_duration(view_.lived_ns)));
  if (view_.sampled > 1)
    note(fmt::format(
        "sampled 1 in {}: calls and their time are of all, syscalls of the sampled ones",
        view_.sampled));
  if (view_.lost != 0)
    note(plural(view_.lost, "event was", "events were") + " lost: syscalls may be missing above");
}

std::string Table::text() {
  for (const ViewRow& row : view_.rows) add_row(row);
  for (const ViewRow& row : view_.outside) add_row(row);
  const size_t body = lines_.size();
  add_total();
  measure();
  std::string out;
  const size_t before = widths_[kCalls] + 1;
  append_format(out, "{:>{}}\n", "syscalls", before + widths_[kAll] + 1 + widths_[kOwn]);
  Line head;
  for (size_t i = 0; i < kColumns; ++i) head.cells[i] = kHeads[i];
  head.name = row_name(view_.by);
  append_line(out, head);
  append_rule(out);
  for (size_t i = 0; i < body; ++i) append_line(out, lines_[i]);
  append_rule(out);
  append_line(out, lines_[body]);
  append_notes(out);
  return out;
}

}  // namespace

std::string summary_table(const SummaryView& view, const SummaryOptions& options) {
  return Table(view, options).text();
}

}  // namespace wc::backends
