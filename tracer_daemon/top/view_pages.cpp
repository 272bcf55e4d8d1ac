#include "top/view_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "top/text.h"

namespace wc::top {
namespace {

// The name takes what the others leave. Those at the end go first where the screen is narrow.
struct ColumnLook {
  Column column;
  std::string_view heading;
  size_t width;
};
constexpr ColumnLook kLooks[] = {
    {Column::Rate, "/S", 8},    {Column::Calls, "CALLS", 8}, {Column::Syscalls, "SYSC", 8},
    {Column::Errors, "ERR", 8}, {Column::Time, "TIME", 8},   {Column::Average, "AVG", 8},
    {Column::P99, "P99", 8},
};

// Functions are known by their first letters, places and paths by their last.
size_t narrowest_name(Table table) {
  if (table == Table::Function || table == Table::Syscall) return 16;
  return table == Table::Thread ? 25 : 34;
}

std::string cell(const RatedRow& rated, Column column) {
  const Row& row = rated.row;
  switch (column) {
    case Column::Name:
      return clean(row.name);
    case Column::Rate:
      return rated.rate ? short_count(static_cast<uint64_t>(std::llround(*rated.rate))) : "?";
    case Column::Calls:
      return short_count(row.counts.calls);
    case Column::Syscalls:
      return short_count(row.counts.syscalls);
    case Column::Errors:
      return short_count(row.counts.errors);
    case Column::Time:
      return short_time(row.counts.ns);
    case Column::Average:
      return row.average_ns != 0 ? short_time(row.average_ns) : "";
    case Column::P99:
      return row.p99_ns != 0 ? short_time(row.p99_ns) : "";
  }
  return "";
}

// The first row on the screen, so that the chosen one is on it.
size_t first_shown(size_t chosen, size_t rows, size_t room) {
  if (rows <= room || chosen < room / 2) return 0;
  return std::min(chosen - room / 2, rows - room);
}

std::vector<Line> table_page(const Model& model, Size size) {
  const TableView& table = model.table();
  size_t shown = std::size(kLooks), taken = 0;
  for (const ColumnLook& look : kLooks) taken += look.width + 1;
  while (shown > 0 && taken + narrowest_name(model.state().table) > size.width)
    taken -= kLooks[--shown].width + 1;
  const size_t name_width = size.width - taken;
  const char arrow = table.is_ascending() ? '^' : 'v';
  auto heading = [&](Column column, std::string_view text) {
    return table.sort() == column ? fmt::format("{}{}", text, arrow) : std::string(text);
  };
  std::string head = fit(heading(Column::Name, "NAME"), name_width, Align::Left);
  for (size_t i = 0; i < shown; i++)
    head += ' ' + fit(heading(kLooks[i].column, kLooks[i].heading), kLooks[i].width, Align::Right);
  std::vector<Line> lines{{{head, Style::Heading}}};
  const size_t room = size.height - 1;
  const auto& rows = table.rows();
  const size_t first = first_shown(table.selected_index(), rows.size(), room);
  for (size_t i = first; i < rows.size() && i < first + room; i++) {
    const RatedRow& row = *rows[i];
    const bool is_off =
        model.state().table == Table::Function && model.state().switched_off.contains(row.row.name);
    std::string text =
        fit(cell(row, Column::Name) + (is_off ? " (off)" : ""), name_width, Align::Left);
    for (size_t n = 0; n < shown; n++)
      text += ' ' + fit(cell(row, kLooks[n].column), kLooks[n].width, Align::Right);
    lines.push_back({{text, i == table.selected_index() ? Style::Selected
                            : is_off                    ? Style::Dim
                                                        : Style::Plain}});
  }
  if (rows.empty() && !table.is_empty())
    lines.push_back(
        {{table.filter().empty() ? "no calls yet" : "no row has this in its name", Style::Dim}});
  return lines;
}

// What the row consists of, on one line.
std::string parts_of(const Row& row) {
  std::string text;
  for (const Part& part : row.parts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", clean(part.name),
                        grouped(std::max(part.counts.syscalls, part.counts.calls)));
  return text;
}

std::vector<Line> calls_page(const Model& model, Size size) {
  const Model::State& state = model.state();
  std::vector<Line> lines;
  lines.push_back(
      {{"last system calls of ", Style::Plain},
       {clean(state.focus.name), Style::Title},
       {state.focus_table == Table::Caller ? " (of its functions, whoever calls them)" : "",
        Style::Dim}});
  lines.push_back({{"when it was looked at: " + parts_of(state.focus), Style::Dim}});
  std::string head = fit("AGO", 8, Align::Right) + ' ' + fit("TOOK", 8, Align::Right) + ' ' +
                     fit("THREAD", 8, Align::Right) + " CALL";
  lines.push_back({{fit(head, size.width, Align::Left), Style::Heading}});
  const size_t room = size.height > 3 ? size.height - 3 : 0;
  const size_t first = first_shown(state.call_index, state.calls.size(), room);
  for (size_t i = first; i < state.calls.size() && i < first + room; i++) {
    const RecentCall& call = state.calls[i];
    const uint64_t ago = state.sample.ts - std::min(state.sample.ts, call.ts);
    const std::string text =
        fmt::format("{} {} {} {}", fit(short_time(ago), 8, Align::Right),
                    fit(short_time(call.dur), 8, Align::Right),
                    fit(std::to_string(call.tid), 8, Align::Right), clean(call.text));
    lines.push_back({{fit(text, size.width, Align::Left), i == state.call_index ? Style::Selected
                                                          : call.error.empty()  ? Style::Plain
                                                                                : Style::Error}});
  }
  if (state.calls.empty()) lines.push_back({{"none since you look", Style::Dim}});
  return lines;
}

void add_wrapped(std::vector<Line>& lines, std::string_view text, size_t columns) {
  do {
    const size_t bytes = bytes_within(text, columns);
    lines.push_back({{std::string(text.substr(0, bytes)), Style::Plain}});
    if (bytes == 0) return;  // a wide character on a screen of one column
    text.remove_prefix(bytes);
  } while (!text.empty());
}

std::vector<Line> call_page(const Model& model, Size size) {
  const RecentCall& call = model.state().call;
  std::vector<Line> lines;
  add_wrapped(lines, clean(call.text), size.width);
  lines.push_back({{fmt::format("function {}, process {}, thread {}, took {}",
                                call.function.empty() ? "(none)" : clean(call.function), call.pid,
                                call.tid, short_time(call.dur)),
                    Style::Plain}});
  lines.push_back({{"", Style::Plain}});
  if (call.stack.empty()) {
    lines.push_back({{"no stack: the tracer records stacks if it is started with -k", Style::Dim}});
  } else {
    lines.push_back({{"stack, the innermost first", Style::Title}});
    size_t number = 0;
    for (const std::string& frame : call.stack)
      lines.push_back({{fmt::format("{:>3} {}", number++, clean(frame)), Style::Plain}});
  }
  return lines;
}

std::vector<Line> rules_page(const Model& model, Size size) {
  const Model::State& state = model.state();
  std::string head = fit("N", 4, Align::Right) + ' ' + fit("HITS", 9, Align::Right) + " RULE";
  std::vector<Line> lines{{{fit(head, size.width, Align::Left), Style::Heading}}};
  const size_t room = size.height - 1;
  const size_t first = first_shown(state.rule_index, state.rules.size(), room);
  for (size_t i = first; i < state.rules.size() && i < first + room; i++) {
    const RuleLine& rule = state.rules[i];
    const std::string text =
        fmt::format("{:>4} {:>9} {}", rule.number, grouped(rule.hits), clean(rule.text));
    lines.push_back({{fit(text, size.width, Align::Left),
                      i == state.rule_index ? Style::Selected : Style::Plain}});
  }
  if (state.rules.empty())
    lines.push_back({{"no rules; a adds one, such as openat:error=ENOENT:when=3", Style::Dim}});
  return lines;
}

std::vector<Line> output_page(const Model& model, Size size) {
  const OutputLines& output = model.output();
  std::vector<Line> lines{
      {{fit("what the program has written, as text", size.width, Align::Left), Style::Heading}}};
  const size_t room = size.height - 1;
  size_t end = output.lines().size();
  if (end > 1 && output.lines().back().empty()) end--;
  end -= std::min(end, model.state().scroll);
  end = std::max(end, std::min(room, output.lines().size()));
  const size_t first = end - std::min(end, room);
  for (size_t i = first; i < end; i++) lines.push_back({{output.lines()[i], Style::Plain}});
  return lines;
}

std::vector<Line> help_page() {
  constexpr std::string_view kHelp[] = {
      "f s t c p, Tab   tables: functions, system calls, threads, callers, paths",
      "Up Down PgUp PgDn Home End, j k   choose a row; the choice stays on its row",
      "< > r            sort by the column to the left or right; the other way round",
      "/                show rows with a text in their name only; Esc: all",
      "Enter            the last system calls of the row; again: a call with its stack",
      "Esc, Backspace   back",
      "Space            hold what is shown; counting goes on",
      "+ -              a longer, shorter time between two looks",
      "o                switch the chosen function off, on again",
      "S                sample calls: every=N, rate=N, first=N, off, and functions",
      "R                rules: a adds one, d removes the chosen one",
      ":                any request that wc-ctl knows: functions add @net; backend list; stop",
      "v                what the program writes to its terminal (that this view has made)",
      "q, F10           quit; a program that this view has not started runs on",
      "",
      "/S is calls a second, of rows without calls system calls. TIME is the time in calls,",
      "AVG and P99 are of one call. Callers and paths are counted from when they are first",
      "looked at; all else from the start of this view.",
  };
  std::vector<Line> lines;
  for (const std::string_view one : kHelp) lines.push_back({{std::string(one), Style::Plain}});
  return lines;
}

std::vector<Line> scrolled(std::vector<Line> lines, size_t scroll, size_t room) {
  const size_t most = lines.size() > room ? lines.size() - room : 0;
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(scroll, most)));
  return lines;
}

}  // namespace

size_t lines_above_rows(const Model& model) { return model.state().page == Page::Calls ? 3 : 1; }

std::vector<Line> draw_page(const Model& model, Size size) {
  const size_t scroll = model.state().scroll;
  switch (model.state().page) {
    case Page::Tables:
      return table_page(model, size);
    case Page::Calls:
      return calls_page(model, size);
    case Page::Call:
      return scrolled(call_page(model, size), scroll, size.height);
    case Page::Rules:
      return rules_page(model, size);
    case Page::Output:
      return output_page(model, size);
    case Page::Help:
      return scrolled(help_page(), scroll, size.height);
  }
  return {};
}

}  // namespace wc::top
