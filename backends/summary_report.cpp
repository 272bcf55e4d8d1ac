#include "summary_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <vector>

#include "escape.h"
#include "json_writer.h"

namespace wc::backends {

namespace {

struct FunctionRow {
  const std::string* name;
  const FunctionStats* stats;
  SyscallStats syscalls;
};

struct SyscallRow {
  uint32_t nr;
  const SyscallStats* stats;
};

bool goes_before(const FunctionRow& a, const FunctionRow& b, SummarySort sort) {
  const auto key = [sort](const FunctionRow& row) {
    switch (sort) {
      case SummarySort::kTime:
        return std::tuple(row.stats->ns, row.syscalls.ns, row.stats->calls);
      case SummarySort::kCalls:
        return std::tuple(row.stats->calls, row.syscalls.count, row.stats->ns);
      case SummarySort::kSyscalls:
        return std::tuple(row.syscalls.count, row.stats->calls, row.stats->ns);
      case SummarySort::kName:
        break;
    }
    return std::tuple(uint64_t{0}, uint64_t{0}, uint64_t{0});
  };
  const auto left = key(a);
  const auto right = key(b);
  return left != right ? left > right : *a.name < *b.name;
}

std::vector<FunctionRow> function_rows(const SummaryStats& stats, SummarySort sort) {
  std::vector<FunctionRow> rows;
  for (const auto& [name, function] : stats.functions()) {
    FunctionRow row{&name, &function, function.all_syscalls()};
    if (function.calls != 0 || row.syscalls.count != 0) rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(),
            [sort](const FunctionRow& a, const FunctionRow& b) { return goes_before(a, b, sort); });
  return rows;
}

std::vector<SyscallRow> syscall_rows(const FunctionStats& function) {
  std::vector<SyscallRow> rows;
  for (const auto& [nr, stats] : function.by_syscall) rows.push_back({nr, &stats});
  std::sort(rows.begin(), rows.end(), [](const SyscallRow& a, const SyscallRow& b) {
    const auto key = [](const SyscallRow& row) {
      return std::tuple(row.stats->ns, row.stats->count);
    };
    return key(a) != key(b) ? key(a) > key(b) : a.stats->name < b.stats->name;
  });
  return rows;
}

struct Total {
  uint64_t calls = 0;
  SyscallStats syscalls;
};

Total total_of(const std::vector<FunctionRow>& rows, const SummaryStats& stats) {
  Total total;
  for (const FunctionRow& row : rows) {
    total.calls += row.stats->calls;
    total.syscalls.add(row.syscalls);
  }
  total.syscalls.add(stats.outside().all_syscalls());
  return total;
}

// ---- Table

// The columns as texts: an empty one does not apply.
struct Cells {
  std::string calls, syscalls, per_call, errors, time, syscall_time, name;
};

void append_row(std::string& out, const Cells& cells) {
  fmt::format_to(std::back_inserter(out), "{:>10} {:>10} {:>9} {:>8} {:>14} {:>14}  {}\n",
                 cells.calls, cells.syscalls, cells.per_call, cells.errors, cells.time,
                 cells.syscall_time, cells.name);
}

void append_rule(std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "{:->10} {:->10} {:->9} {:->8} {:->14} {:->14}  {:->24}\n", "", "", "", "", "", "",
                 "");
}

std::string number(uint64_t value) { return fmt::format("{}", value); }
std::string number_or_blank(uint64_t value) { return value != 0 ? number(value) : ""; }
std::string seconds(uint64_t ns) {
  const uint64_t micros = ns / 1000;
  return fmt::format("{}.{:06}", micros / 1'000'000, micros % 1'000'000);
}
std::string ratio(uint64_t syscalls, uint64_t calls) {
  return calls != 0
             ? fmt::format("{:.2f}", static_cast<double>(syscalls) / static_cast<double>(calls))
             : "";
}

void append_syscalls(std::string& out, const FunctionStats& function) {
  for (const SyscallRow& row : syscall_rows(function)) {
    Cells cells;
    cells.syscalls = number(row.stats->count);
    cells.per_call = ratio(row.stats->count, function.calls);
    cells.errors = number_or_blank(row.stats->errors);
    cells.syscall_time = seconds(row.stats->ns);
    cells.name = "  ";
    append_escaped(cells.name, row.stats->name);
    append_row(out, cells);
  }
}

void append_function(std::string& out, const FunctionRow& row) {
  Cells cells;
  cells.calls = number(row.stats->calls);
  cells.syscalls = number(row.syscalls.count);
  cells.per_call = ratio(row.syscalls.count, row.stats->calls);
  cells.errors = number_or_blank(row.syscalls.errors);
  cells.time = seconds(row.stats->ns);
  cells.syscall_time = seconds(row.syscalls.ns);
  append_escaped(cells.name, *row.name);
  append_row(out, cells);
  append_syscalls(out, *row.stats);
}

void append_outside(std::string& out, const FunctionStats& outside) {
  const SyscallStats syscalls = outside.all_syscalls();
  if (syscalls.count == 0) return;
  Cells cells;
  cells.syscalls = number(syscalls.count);
  cells.errors = number_or_blank(syscalls.errors);
  cells.syscall_time = seconds(syscalls.ns);
  cells.name = "(outside)";
  append_row(out, cells);
  append_syscalls(out, outside);
}

// ---- JSON

void write_syscall_sums(JsonWriter& json, const SyscallStats& syscalls) {
  json.member("syscalls", syscalls.count);
  json.member("errors", syscalls.errors);
}

void write_by_syscall(JsonWriter& json, const FunctionStats& function) {
  json.key("by_syscall");
  json.begin_array();
  for (const SyscallRow& row : syscall_rows(function)) {
    json.begin_object();
    json.member("name", std::string_view(row.stats->name));
    if (row.nr != UINT32_MAX) json.member("nr", row.nr);
    json.member("count", row.stats->count);
    json.member("errors", row.stats->errors);
    json.member("ns", row.stats->ns);
    json.end_object();
  }
  json.end_array();
}

void write_function(JsonWriter& json, const FunctionRow& row) {
  json.begin_object();
  json.member("function", std::string_view(*row.name));
  if (!row.stats->library.empty()) json.member("library", std::string_view(row.stats->library));
  json.member("calls", row.stats->calls);
  write_syscall_sums(json, row.syscalls);
  json.member("ns", row.stats->ns);
  json.member("syscall_ns", row.syscalls.ns);
  write_by_syscall(json, *row.stats);
  json.end_object();
}

}  // namespace

std::optional<SummarySort> parse_summary_sort(std::string_view text) {
  if (text.empty() || text == "time") return SummarySort::kTime;
  if (text == "calls") return SummarySort::kCalls;
  if (text == "syscalls") return SummarySort::kSyscalls;
  if (text == "name") return SummarySort::kName;
  return std::nullopt;
}

std::optional<SummaryFormat> parse_summary_format(std::string_view text) {
  if (text.empty() || text == "table") return SummaryFormat::kTable;
  if (text == "json") return SummaryFormat::kJson;
  return std::nullopt;
}

std::string summary_table(const SummaryStats& stats, SummarySort sort) {
  const std::vector<FunctionRow> rows = function_rows(stats, sort);
  std::string out;
  append_row(out, {"calls", "syscalls", "per call", "errors", "time in it/s", "in syscalls/s",
                   "function"});
  append_rule(out);
  for (const FunctionRow& row : rows) append_function(out, row);
  append_outside(out, stats.outside());
  append_rule(out);

  // Nested calls are part of the time of the outer ones: a sum of times would count them twice.
  const Total total = total_of(rows, stats);
  Cells cells;
  cells.calls = number(total.calls);
  cells.syscalls = number(total.syscalls.count);
  cells.errors = number_or_blank(total.syscalls.errors);
  cells.syscall_time = seconds(total.syscalls.ns);
  cells.name = "total";
  append_row(out, cells);
  if (stats.lost() != 0) {
    fmt::format_to(std::back_inserter(out), "{} events were lost: syscalls may be missing above\n",
                   stats.lost());
  }
  return out;
}

std::string summary_json(const SummaryStats& stats, SummarySort sort) {
  const std::vector<FunctionRow> rows = function_rows(stats, sort);
  const Total total = total_of(rows, stats);
  const SyscallStats outside = stats.outside().all_syscalls();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("functions");
  json.begin_array();
  for (const FunctionRow& row : rows) write_function(json, row);
  json.end_array();

  json.key("outside");
  json.begin_object();
  write_syscall_sums(json, outside);
  json.member("syscall_ns", outside.ns);
  write_by_syscall(json, stats.outside());
  json.end_object();

  json.key("total");
  json.begin_object();
  json.member("calls", total.calls);
  write_syscall_sums(json, total.syscalls);
  json.member("syscall_ns", total.syscalls.ns);
  json.end_object();
  json.member("lost", stats.lost());
  json.end_object();
  out += '\n';
  return out;
}

}  // namespace wc::backends
