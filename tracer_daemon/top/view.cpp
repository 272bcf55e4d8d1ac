#include "top/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "top/text.h"
#include "top/view_pages.h"

namespace wc::top {

namespace {

constexpr size_t kHead = 3, kFoot = 2;  // lines around a page
constexpr size_t kSmallestWidth = 20, kSmallestHeight = 8;

std::string_view run_word(RunState run) {
  switch (run) {
    case RunState::Starting:
      return "starting";
    case RunState::Running:
      return "";
    case RunState::Ended:
      return "ENDED";
    case RunState::Gone:
      return "TRACER GONE";
  }
  return "";
}

std::string short_interval(uint32_t milliseconds) {
  return milliseconds < 1000 ? fmt::format("{} ms", milliseconds)
                             : fmt::format("{:g} s", milliseconds / 1000.0);
}

Line title_line(const Model& model) {
  const Model::State& state = model.state();
  const Sample& sample = state.sample;
  Line line{{"wc-top", Style::Title}};
  line.push_back({fmt::format("  {} process{}, {} thread{}  {} events", sample.processes,
                              sample.processes == 1 ? "" : "es", sample.threads,
                              sample.threads == 1 ? "" : "s", grouped(sample.events)),
                  Style::Plain});
  if (sample.lost != 0)
    line.push_back({fmt::format("  {} LOST", grouped(sample.lost)), Style::Error});
  if (state.missed != 0)
    line.push_back({fmt::format("  {} lines missed", grouped(state.missed)), Style::Dim});
  line.push_back({"  every " + short_interval(state.interval_ms), Style::Plain});
  if (!run_word(state.run).empty())
    line.push_back({fmt::format("  {}", run_word(state.run)), Style::Error});
  if (state.is_paused) line.push_back({"  PAUSED", Style::Error});
  line.push_back({"  " + clean(model.title()), Style::Dim});
  return line;
}

std::string rate(double per_second) {
  return short_count(static_cast<uint64_t>(std::llround(std::max(per_second, 0.0))));
}

Line totals_line(const Model& model, size_t columns) {
  const TableView& table = model.table();
  if (table.is_empty()) return {{"nothing counted yet", Style::Dim}};
  const Counts& total = table.sample().total;
  const TotalRates& rates = table.rates();
  const uint64_t counted = table.ts() - std::min(table.ts(), table.sample().since);
  auto text = [&](std::string (*number)(uint64_t)) {
    return fmt::format("calls {} {}/s  syscalls {} {}/s  errors {} in {}", number(total.calls),
                       rate(rates.calls), number(total.syscalls), rate(rates.syscalls),
                       number(total.errors), short_time(counted));
  };
  const std::string exact = text(grouped);
  return {{width(exact) <= columns ? exact : text(short_count), Style::Plain}};
}

Line tabs_line(const Model& model) {
  constexpr std::string_view kNames[kTables] = {"Functions", "Syscalls", "Threads", "Callers",
                                                "Paths"};
  Line line;
  for (size_t i = 0; i < kTables; i++) {
    const bool is_shown = static_cast<Table>(i) == model.state().table;
    line.push_back({fmt::format(" {} ", kNames[i]), is_shown ? Style::Selected : Style::Plain});
  }
  const std::string& filter = model.table().filter();
  if (!filter.empty()) line.push_back({"  filter: " + clean(filter), Style::Key});
  const size_t all = model.table().rows().size();
  std::string rows = fmt::format("  {} rows", grouped(all));
  if (const uint64_t hidden = model.table().sample().hidden; hidden != 0)
    rows += fmt::format(", {} more with less time not shown", grouped(hidden));
  line.push_back({rows, Style::Dim});
  return line;
}

Line status_line(const Model& model, size_t columns) {
  const Model::State& state = model.state();
  if (!state.prompt)
    return {{clean(state.status.text), state.status.is_error ? Style::Error : Style::Plain}};
  // What is typed last is seen.
  std::string text = clean(state.prompt->text);
  const size_t label = width(state.prompt->label);
  const bool is_typed = state.prompt->kind != Prompt::Kind::EndProgram;
  const size_t room = columns > label + 2 ? columns - label - 2 : 1;
  if (const size_t wide = width(text); wide > room) text = skip(text, wide - room);
  return {{state.prompt->label, Style::Key}, {text + (is_typed ? "_" : ""), Style::Plain}};
}

Line keys_line(const Model& model, size_t columns) {
  const Model::State& state = model.state();
  std::vector<std::pair<std::string_view, std::string_view>> keys;
  if (state.prompt && state.prompt->kind != Prompt::Kind::EndProgram)
    keys = {{"Enter", "done"}, {"Esc", "leave it"}, {"Ctrl-U", "erase"}};
  else if (state.page == Page::Tables)
    keys = {{"fstcp", "table"}, {"<>", "sort"},    {"/", "filter"}, {"Enter", "open"},
            {"Space", "hold"},  {"q", "quit"},     {"?", "help"},   {"o", "off/on"},
            {"+-", "interval"}, {"S", "sampling"}, {"R", "rules"},  {"v", "output"},
            {":", "request"},   {"r", "reverse"}};
  else if (state.page == Page::Calls)
    keys = {{"Esc", "back"}, {"Enter", "call and stack"}, {"Space", "pause"}, {"q", "quit"}};
  else if (state.page == Page::Rules)
    keys = {{"Esc", "back"}, {"a", "add"}, {"d", "remove"}, {"R", "look again"}, {"q", "quit"}};
  else if (state.page == Page::Output)
    keys = {{"Esc", "back"}, {"i", "type a line"}, {"PgUp PgDn", "move"}, {"q", "quit"}};
  else
    keys = {{"Esc", "back"}, {"PgUp PgDn", "move"}, {"q", "quit"}};
  Line line;
  size_t taken = 0;
  for (const auto& [key, what] : keys) {
    const size_t gap = taken != 0 ? 2 : 0;
    taken += gap + key.size() + 1 + what.size();
    if (taken > columns) break;
    line.push_back({std::string(gap, ' ') + std::string(key), Style::Key});
    line.push_back({fmt::format(" {}", what), Style::Plain});
  }
  return line;
}

Line cut_line(const Line& line, size_t columns) {
  Line out;
  for (const Span& span : line) {
    const std::string text = cut(span.text, columns);
    columns -= width(text);
    if (!text.empty()) out.push_back({text, span.style});
  }
  return out;
}

}  // namespace

size_t rows_that_fit(const Model& model, Size size) {
  const size_t around = kHead + kFoot + lines_above_rows(model);
  return size.height > around ? size.height - around : 1;
}

std::vector<Line> draw(const Model& model, Size size) {
  std::vector<Line> lines;
  if (size.width < kSmallestWidth || size.height < kSmallestHeight) {
    lines.push_back({{"too small; q: quit", Style::Error}});
  } else {
    lines = {title_line(model), totals_line(model, size.width), tabs_line(model)};
    const size_t room = size.height - kHead - kFoot;
    std::vector<Line> page = draw_page(model, {size.width, room});
    page.resize(room);
    lines.insert(lines.end(), page.begin(), page.end());
    lines.push_back(status_line(model, size.width));
    lines.push_back(keys_line(model, size.width));
  }
  lines.resize(size.height);
  for (Line& line : lines) line = cut_line(line, size.width);
  return lines;
}

std::string plain_text(const Line& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  return text;
}

}  // namespace wc::top
