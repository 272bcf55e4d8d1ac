#include "top/model.h"

#include <fmt/format.h>

#include <algorithm>

namespace wc::top {

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '$';
  });
}

Model::Model(std::string title, Whose whose, uint32_t interval_ms)
    : title_(std::move(title)), whose_(whose) {
  state_.interval_ms = interval_ms;
  // Watched from the start: they cost the tracer next to nothing.
  for (const Table table : {Table::Function, Table::Syscall, Table::Thread})
    is_watched_[static_cast<size_t>(table)] = true;
}

void Model::take(Sample sample) {
  for (size_t i = 0; i < kTables; i++)
    if (sample.tables[i]) {
      tables_[i].take(std::move(*sample.tables[i]), sample.ts);
      sample.tables[i].reset();
    }
  state_.missed += sample.missed;
  if (sample.recent) take_recent(std::move(*sample.recent));
  sample.recent.reset();
  // Who has paused the view wants to see that the run is over all the same.
  if (sample.is_last) state_.is_paused = false;
  if (sample.is_last)
    for (TableView& table : tables_) table.hold(false);
  if (!state_.is_paused && sample.ts >= state_.sample.ts) state_.sample = std::move(sample);
}

// The tracer can tell whose calls are to be sent by the function only.
bool Model::is_of_focus(const RecentCall& call) const {
  const std::string& name = state_.focus.name;
  switch (state_.focus_table) {
    case Table::Function:
      return is_plain_name(name) || call.function == name;
    case Table::Syscall:
      return call.text.starts_with(name + '(');
    case Table::Thread:
      return name == std::to_string(call.tid) || name.starts_with(fmt::format("{} ", call.tid));
    case Table::Path:
      return call.text.find('"' + name) != std::string::npos ||
             call.text.find('<' + name) != std::string::npos;
    case Table::Caller:
      return std::ranges::any_of(state_.focus.parts,
                                 [&](const Part& part) { return part.name == call.function; });
  }
  return true;
}

void Model::take_recent(std::vector<RecentCall> recent) {
  if (state_.is_paused && !state_.calls.empty()) {
    held_calls_ = std::move(recent);
    return;
  }
  const bool had_one = state_.call_index < state_.calls.size();
  const RecentCall chosen = had_one ? state_.calls[state_.call_index] : RecentCall();
  std::erase_if(recent, [this](const RecentCall& call) { return !is_of_focus(call); });
  std::ranges::reverse(recent);
  state_.calls = std::move(recent);
  if (state_.call_index == 0 || !had_one) {
    state_.call_index = 0;  // who looks at the newest one goes on doing so
    return;
  }
  const auto found = std::ranges::find(state_.calls, chosen);
  const size_t last = state_.calls.empty() ? 0 : state_.calls.size() - 1;
  state_.call_index = found != state_.calls.end()
                          ? static_cast<size_t>(found - state_.calls.begin())
                          : last;  // it was too old to be kept
}

void Model::answered(const std::string& request, const Answer& answer) {
  if (!answer.ok) return say(request + ": " + answer.error, true);
  if (request == "inject list") {
    state_.rules = read_rules(answer.text);
    state_.rule_index = std::min(state_.rule_index, std::max<size_t>(state_.rules.size(), 1) - 1);
    return;
  }
  constexpr std::string_view kRemove = "functions remove ", kAdd = "functions add ";
  if (request.starts_with(kRemove)) state_.switched_off.insert(request.substr(kRemove.size()));
  if (request.starts_with(kAdd)) state_.switched_off.erase(request.substr(kAdd.size()));
  if (request.starts_with("functions set ")) state_.switched_off.clear();
  say(answer.from ? fmt::format("{}: done, from event {} on", request, *answer.from)
                  : request + ": " + answer.text,
      false);
}

void Model::connected() {
  state_.run = RunState::Running;
  say("", false);
}

void Model::trace_is_over(RunState state, std::string how) {
  state_.run = state;
  say(std::move(how), state == RunState::Gone);
}

void Model::program_is_over(std::string how, bool is_error) {
  state_.program_runs = false;
  if (state_.prompt && state_.prompt->kind == Prompt::Kind::EndProgram) state_.prompt.reset();
  say(std::move(how), is_error);
}

void Model::say(std::string text, bool is_error) { state_.status = {std::move(text), is_error}; }

}  // namespace wc::top
