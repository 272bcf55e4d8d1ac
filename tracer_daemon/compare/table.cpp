#include <fmt/format.h>

#include <algorithm>

#include "compare/reports.h"

namespace wc::compare {
namespace {

using Cells = std::vector<std::string>;

std::string spread_text(const std::optional<measure::Spread>& spread, std::string_view unit) {
  if (!spread) return "-";
  return fmt::format("{} ({} to {})", with_unit(spread->median, unit), number(spread->low),
                     number(spread->high));
}

// Both ends in the unit of the median, also where that has changed.
std::string figure_text(const std::optional<measure::Spread>& spread, std::string_view unit) {
  constexpr double kLong = 10'000;
  if (spread && unit == "ms" && spread->median >= kLong) {
    return spread_text(measure::Spread{spread->median / 1e3, spread->low / 1e3, spread->high / 1e3},
                       "s");
  }
  return spread_text(spread, unit);
}

std::string times_text(const std::optional<measure::Spread>& spread) {
  if (!spread) return "-";
  return fmt::format("{}x ({} to {})", number(spread->median), number(spread->low),
                     number(spread->high));
}

// Native costs as much as native: where the median is not above it there is no price to tell.
std::string per_event_text(const measure::Comparison& figures) {
  if (!figures.per_event || figures.per_event->median <= 0) return "-";
  return number(figures.per_event->median);
}

Cells line_cells(const Line& line, std::string_view unit) {
  if (!line.trouble.empty()) return {line.name, line.trouble, "", "", "", "", ""};
  const bool native = line.kind == Kind::Native;
  const std::string cpu =
      line.figures.cpu ? with_unit(line.figures.cpu->median * 1e3, "ms") : std::string("-");
  return {line.name,
          figure_text(line.figures.figure, unit),
          native ? "1" : times_text(line.figures.times),
          cpu,
          native ? "" : count_text(line.seen.events),
          native ? "" : per_event_text(line.figures),
          native ? "" : attribution(line.seen)};
}

// Bytes that do not begin a character of UTF-8 are no column.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::vector<Cells> cells(const Report& report) {
  const bool rate = report.better == measure::Better::More;
  std::vector<Cells> rows{
      {"how", rate ? "median (quartiles), more is better" : "median (quartiles)",
       "times slower (quartiles)", "user+system", "events", "ns an event", "attributed"}};
  for (const Line& line : report.lines) rows.push_back(line_cells(line, report.unit));
  return rows;
}

std::string table_text(const Report& report) {
  std::vector<Cells> rows = cells(report);
  std::vector<std::size_t> widths(rows[0].size(), 1);
  for (Cells& row : rows) {
    const bool trouble = row.size() > 2 && row[2].empty();
    for (std::size_t i = 0; i < row.size(); i++) {
      for (std::size_t at = 0; (at = row[i].find('|', at)) != std::string::npos; at += 2) {
        row[i].insert(at, "\\");
      }
      // A sentence may stand out of its column.
      if (!(trouble && i == 1)) widths[i] = std::max(widths[i], columns_of(row[i]));
    }
  }
  std::string text;
  text += "- " + report.title + "\n";
  for (const std::string& fact : report.facts) text += "- " + fact + "\n";
  text += "\n";
  for (std::size_t n = 0; n < rows.size(); n++) {
    for (std::size_t i = 0; i < rows[n].size(); i++) {
      const std::size_t columns = columns_of(rows[n][i]);
      const std::string padding(widths[i] > columns ? widths[i] - columns : 0, ' ');
      text += "| " + rows[n][i] + padding + " ";
    }
    text += "|\n";
    if (n > 0) continue;
    for (const std::size_t width : widths) text += "|" + std::string(width + 2, '-');
    text += "|\n";
  }
  return text;
}

}  // namespace wc::compare
