#include "explore/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compare/words.h"

namespace wc::explore {
namespace {

using Cells = std::array<std::string, 3>;

// A longer name stands out of its column: one such row must not move all others.
constexpr std::size_t kWidest = 64;

// Bytes that do not begin a character of UTF-8 are no column.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  return text + std::string(columns < width ? width - columns : 0, ' ') + "  ";
}

Cells cells_of(const Report& report, const Row& row) {
  return {point_text(report.points[row.point]), row.error.empty() ? "-" : row.error,
          row.verdict.text};
}

std::string without_end_blanks(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// What is below main says nothing of the program.
std::string stack_text(const std::vector<std::string>& stack) {
  std::string text;
  for (const std::string& frame : stack) {
    if (frame.starts_with("__libc_start") || frame.starts_with("_start+")) break;
    text += (text.empty() ? "    at " : "\n      from ") + frame;
  }
  return text.empty() ? text : text + "\n";
}

std::string word_of(Ending ending) {
  switch (ending) {
    case Ending::Same:
      return "same output and status";
    case Ending::OtherStatus:
      return "other status";
    case Ending::OutputDiffers:
      return "output differs";
    case Ending::Signal:
      return "signal";
    case Ending::Hang:
      return "hang";
    case Ending::NotReached:
      return "not reached";
    case Ending::FailsAnyway:
    case Ending::CannotFail:
      return "skipped";
    case Ending::NotRun:
      return "not run";
    case Ending::Failed:
      return "could not be run";
  }
  return {};
}

}  // namespace

std::string outcome_word(const Row& row) { return word_of(row.verdict.ending); }

std::string inject_of(const Report& report, const Row& row) {
  return row.error.empty() ? std::string() : report.points[row.point].name.rule(row.error);
}

std::string sum_text(const Report& report) {
  std::string text;
  for (int i = 0; i <= static_cast<int>(Ending::Failed); i++) {
    const auto ending = static_cast<Ending>(i);
    const auto count = std::count_if(report.rows.begin(), report.rows.end(),
                                     [&](const Row& row) { return row.verdict.ending == ending; });
    if (count == 0) continue;
    std::string word = word_of(ending);
    if (ending == Ending::FailsAnyway) word += ", as they fail anyway";
    if (ending == Ending::CannotFail) word += ", as they cannot fail";
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", count, word);
  }
  return text.empty() ? "no point" : text;
}

std::string table_text(const Report& report) {
  std::string text = "- " + compare::command_line(report.program) + "\n";
  for (const std::string& fact : report.facts) text += "- " + fact + "\n";
  std::vector<std::string> again{"wc-preload"};
  again.insert(again.end(), report.options.begin(), report.options.end());
  text += fmt::format("- to repeat a row: {} --inject RULE -- {}\n\n", compare::command_line(again),
                      compare::command_line(report.program));
  const Cells head = {"point", "error", "outcome"};
  std::array<std::size_t, 3> widths{};
  for (std::size_t i = 0; i < head.size(); i++) widths[i] = head[i].size();
  for (const Row& row : report.rows) {
    const Cells cells = cells_of(report, row);
    for (std::size_t i = 0; i < cells.size(); i++)
      if (columns_of(cells[i]) <= kWidest) widths[i] = std::max(widths[i], columns_of(cells[i]));
  }
  const auto line = [&](const Cells& cells, const std::string& end) {
    std::string made;
    for (std::size_t i = 0; i < cells.size(); i++) made += padded(cells[i], widths[i]);
    text += without_end_blanks(made + end) + "\n";
  };
  line(head, "to repeat it");
  for (const Row& row : report.rows) {
    const std::string inject = inject_of(report, row);
    line(cells_of(report, row), inject.empty() ? "" : compare::command_line({"--inject", inject}));
    text += stack_text(row.verdict.stack);
  }
  return text + "\n" + sum_text(report) + "\n";
}

}  // namespace wc::explore
