// The summary as comma-separated values (RFC 4180): a line for each row, and one for each part of
// it.
#include <fmt/format.h>

#include "append.h"
#include "escape.h"
#include "summary_view.h"

namespace wc::backends {

namespace {

// Control characters are escaped, so that a value never spans lines.
std::string quoted(std::string_view text) {
  std::string plain;
  append_escaped(plain, text);
  if (plain.find_first_of(",\"") == std::string::npos) return plain;
  std::string out = "\"";
  for (const char c : plain) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string percentile(const Counts& counts, double percent) {
  if (counts.durations.count() == 0) return "";
  return fmt::format("{}", counts.durations.percentile(percent));
}

void append(std::string& out, const SummaryView& view, std::string_view row, std::string_view part,
            const Counts& counts) {
  const uint64_t count = counts.calls != 0 ? counts.calls : counts.durations.count();
  const double percent = view.lived_ns == 0 ? 0
                                            : 100.0 * static_cast<double>(counts.ns) /
                                                  static_cast<double>(view.lived_ns);
  append_format(out, "{},{},{},{},{},{},{},{:.3f},{},{},{},{}\n", quoted(row), quoted(part),
                counts.calls, counts.syscalls, counts.own, counts.errors, counts.ns, percent,
                count != 0 ? fmt::format("{}", counts.ns / count) : "", percentile(counts, 50),
                percentile(counts, 99),
                counts.durations.count() != 0 ? fmt::format("{}", counts.durations.max()) : "");
}

void append_row(std::string& out, const SummaryView& view, const ViewRow& row) {
  append(out, view, row.name, "", row.counts);
  for (const ViewRow& part : row.parts) append(out, view, row.name, part.name, part.counts);
  for (const ViewRow& library : row.libraries)
    append(out, view, row.name, "for " + library.name, library.counts);
}

}  // namespace

std::string summary_csv(const SummaryView& view, const SummaryOptions&) {
  std::string out =
      fmt::format("{},part,calls,syscalls,own,errors,ns,percent,avg_ns,p50_ns,p99_ns,max_ns\n",
                  row_name(view.by));
  for (const ViewRow& row : view.rows) append_row(out, view, row);
  for (const ViewRow& row : view.outside) append_row(out, view, row);
  append(out, view, "total", "", view.total);
  return out;
}

}  // namespace wc::backends
