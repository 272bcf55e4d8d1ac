#include "control/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace wc {
namespace {

using Verb = ControlCommand::Verb;
using Action = ControlCommand::Action;

enum class Takes : uint8_t { Nothing, Text, MaybeText, Id, IdAndText };

struct Row {
  std::string_view verb, action;  // action "": there is none
  ControlCommand::Verb what;
  ControlCommand::Action how;
  Takes takes;
  std::string_view argument;  // its name in messages
};

constexpr Row kRows[] = {
    {"status", "", Verb::Describe, Action::None, Takes::Nothing, ""},
    {"functions", "set", Verb::Functions, Action::Set, Takes::Text, "LIST"},
    {"functions", "add", Verb::Functions, Action::Add, Takes::Text, "LIST"},
    {"functions", "remove", Verb::Functions, Action::Remove, Takes::Text, "LIST"},
    {"syscalls", "set", Verb::Syscalls, Action::Set, Takes::Text, "LIST"},
    {"sample", "", Verb::Sample, Action::None, Takes::Text,
     "every=N|rate=N|first=N|off [FUNCTIONS]"},
    {"pause", "", Verb::Pause, Action::None, Takes::Nothing, ""},
    {"resume", "", Verb::Resume, Action::None, Takes::Nothing, ""},
    {"flush", "", Verb::Flush, Action::None, Takes::Nothing, ""},
    {"stop", "", Verb::Stop, Action::None, Takes::Nothing, ""},
    {"backend", "list", Verb::Backend, Action::List, Takes::Nothing, ""},
    {"backend", "add", Verb::Backend, Action::Add, Takes::Text, "SPEC"},
    {"backend", "remove", Verb::Backend, Action::Remove, Takes::Id, "ID"},
    {"backend", "replace", Verb::Backend, Action::Replace, Takes::IdAndText, "ID SPEC"},
    {"inject", "list", Verb::Inject, Action::List, Takes::Nothing, ""},
    {"inject", "add", Verb::Inject, Action::Add, Takes::Text, "RULE"},
    {"inject", "remove", Verb::Inject, Action::Remove, Takes::Id, "N"},
    {"inject", "clear", Verb::Inject, Action::Clear, Takes::Nothing, ""},
    {"snapshot", "", Verb::Snapshot, Action::None, Takes::Text, "FILE"},
    {"subscribe", "", Verb::Subscribe, Action::None, Takes::MaybeText,
     "[interval=MS] [by=LIST] [top=N] [recent=N] [function=NAME]"},
};

constexpr std::string_view kBlanks = " \t\r";

std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest, kBlanks);
  const size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
  std::string_view word = rest.substr(0, end);
  rest = trimmed(rest.substr(end), kBlanks);
  return word;
}

std::string usage(const Row& row) {
  std::string text(row.verb);
  for (std::string_view word : {row.action, row.argument})
    if (!word.empty()) text += fmt::format(" {}", word);
  return text;
}

std::string choices(std::string_view verb) {
  std::vector<std::string> all;
  for (const Row& row : kRows)
    if (verb.empty() || row.verb == verb) all.push_back(usage(row));
  return fmt::format("{}", fmt::join(all, "; "));
}

Error unknown(std::string_view verb, std::string_view action) {
  const bool is_verb = std::ranges::any_of(kRows, [&](const Row& row) { return row.verb == verb; });
  if (is_verb)
    return Error{fmt::format("'{}{}{}' is no command; there are: {}", verb,
                             action.empty() ? "" : " ", action, choices(verb))};
  return Error{fmt::format("'{}' is no command; there are: {}", verb, choices(""))};
}

}  // namespace

Result<ControlCommand> parse_command(std::string_view line) {
  std::string_view rest = line;
  const std::string_view verb = take_word(rest);
  if (verb.empty()) return Error{fmt::format("an empty request; there are: {}", choices(""))};
  std::string_view after_verb = rest;
  const std::string_view action = take_word(after_verb);
  const auto* row = std::ranges::find_if(kRows, [&](const Row& one) {
    return one.verb == verb && (one.action.empty() || one.action == action);
  });
  if (row == std::end(kRows)) return unknown(verb, action);
  rest = row->action.empty() ? rest : after_verb;
  ControlCommand command{row->what, row->how, 0, {}};
  if (row->takes == Takes::Id || row->takes == Takes::IdAndText) {
    const std::string_view word = take_word(rest);
    const auto id = whole_number<uint32_t>(word);
    if (!id) return Error{fmt::format("'{}' is no number: {}", word, usage(*row))};
    command.id = *id;
  }
  const bool takes_text = row->takes == Takes::Text || row->takes == Takes::IdAndText;
  if (!takes_text && row->takes != Takes::MaybeText && !rest.empty())
    return Error{fmt::format("'{}' is too much: {}", rest, usage(*row))};
  if (takes_text && rest.empty())
    return Error{fmt::format("something is missing: {}", usage(*row))};
  command.text = rest;
  return command;
}

std::string_view command_list() {
  static const std::string text = [] {
    std::string all;
    for (const Row& row : kRows) all += fmt::format("  {}\n", usage(row));
    return all;
  }();
  return text;
}

}  // namespace wc
