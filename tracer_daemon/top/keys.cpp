// What each key does.
#include <fmt/format.h>

#include <algorithm>

#include "top/model.h"
#include "top/text.h"

namespace wc::top {

class Keys {
 public:
  explicit Keys(Model& model) : model_(model), state_(model.state_) {}
  std::vector<Effect> press(const Key& key);
  std::vector<Effect> choose(Table table) { return show_table(table), std::move(effects_); }

 private:
  using Kind = Effect::Kind;
  void add(Kind kind, std::string text = "") { effects_.push_back({kind, std::move(text), {}}); }
  void ask(Prompt::Kind kind, std::string label, std::string text = "");
  void in_prompt(const Key& key);
  void finish_prompt();
  void answer_end(char32_t c);
  void on_name(const Key& key);
  void on_character(char32_t c);
  void on_any_page(char32_t c);
  void on_rule(char32_t c);
  void move(int64_t step);
  void enter();
  void back();
  void show_table(Table table);
  void show(Page page);
  void pause();
  void change_interval(bool is_longer);
  void switch_function();
  void quit();

  Model& model_;
  Model::State& state_;
  std::vector<Effect> effects_;
};

std::vector<Effect> Model::press(const Key& key) { return Keys(*this).press(key); }

std::vector<Effect> Model::choose(Table table) { return Keys(*this).choose(table); }

std::vector<Effect> Keys::press(const Key& key) {
  // An error stays until the next key, and is seen.
  if (state_.run == RunState::Running && !state_.prompt) model_.say("", false);
  if (state_.prompt)
    in_prompt(key);
  else if (key.name == KeyName::Character)
    on_character(key.character);
  else
    on_name(key);
  return std::move(effects_);
}

void Keys::ask(Prompt::Kind kind, std::string label, std::string text) {
  state_.prompt = Prompt{kind, std::move(label), std::move(text)};
}

void Keys::in_prompt(const Key& key) {
  constexpr char32_t kEraseLine = 0x15;  // Ctrl-U
  constexpr size_t kMost = 4096;
  Prompt& prompt = *state_.prompt;
  if (key.name == KeyName::Escape) {
    if (prompt.kind == Prompt::Kind::Filter) model_.tables_[size_t(state_.table)].filter("");
    state_.prompt.reset();
    return;
  }
  if (prompt.kind == Prompt::Kind::EndProgram) return answer_end(key.character);
  if (key.name == KeyName::Enter) return finish_prompt();
  if (key.name == KeyName::Backspace) {
    while (!prompt.text.empty() && (static_cast<unsigned char>(prompt.text.back()) & 0xc0U) == 0x80)
      prompt.text.pop_back();
    if (!prompt.text.empty()) prompt.text.pop_back();
  } else if (key.name == KeyName::Character && key.character == kEraseLine) {
    prompt.text.clear();
  } else if (key.name == KeyName::Character && key.character >= ' ' && prompt.text.size() < kMost) {
    append_utf8(prompt.text, key.character);
  }
  // Seen while it is typed.
  if (prompt.kind == Prompt::Kind::Filter) model_.tables_[size_t(state_.table)].filter(prompt.text);
}

void Keys::finish_prompt() {
  const Prompt prompt = std::move(*state_.prompt);
  state_.prompt.reset();
  switch (prompt.kind) {
    case Prompt::Kind::Filter:
    case Prompt::Kind::EndProgram:
      return;
    case Prompt::Kind::Type:
      return add(Kind::Type, prompt.text + '\n');
    case Prompt::Kind::Sample:
      return prompt.text.empty() ? void() : add(Kind::Ask, "sample " + prompt.text);
    case Prompt::Kind::AddRule:
      if (prompt.text.empty()) return;
      add(Kind::Ask, "inject add " + prompt.text);
      return add(Kind::Ask, "inject list");
    case Prompt::Kind::Command:
      if (prompt.text.starts_with("subscribe"))
        return model_.say("this view is what subscribe is for", true);
      return prompt.text.empty() ? void() : add(Kind::Ask, prompt.text);
  }
}

void Keys::answer_end(char32_t c) {
  if (c == 'k' || c == 'w') add(c == 'k' ? Kind::EndProgram : Kind::WaitForProgram);
  if (c == 'k' || c == 'w') state_.prompt.reset();
}

void Keys::on_name(const Key& key) {
  const auto page = static_cast<int64_t>(std::max<size_t>(model_.page_rows_, 2)) - 1;
  constexpr int64_t kEnd = 1 << 30;
  switch (key.name) {
    case KeyName::Up:
      return move(-1);
    case KeyName::Down:
      return move(1);
    case KeyName::PageUp:
      return move(-page);
    case KeyName::PageDown:
      return move(page);
    case KeyName::Home:
      return move(-kEnd);
    case KeyName::End:
      return move(kEnd);
    case KeyName::Enter:
    case KeyName::Right:
      return enter();
    case KeyName::Escape:
    case KeyName::Backspace:
    case KeyName::Left:
      return back();
    case KeyName::Tab:
      return show_table(static_cast<Table>((size_t(state_.table) + 1) % kTables));
    case KeyName::BackTab:
      return show_table(static_cast<Table>((size_t(state_.table) + kTables - 1) % kTables));
    case KeyName::Help:
      return show(Page::Help);
    case KeyName::Quit:
      return quit();
    case KeyName::Character:
      return;
  }
}

void Keys::on_character(char32_t c) {
  TableView& table = model_.tables_[size_t(state_.table)];
  const bool is_tables = state_.page == Page::Tables;
  constexpr std::u32string_view kTableKeys = U"fstcp";
  if (state_.page == Page::Rules && (c == 'a' || c == 'd')) return on_rule(c);
  if (state_.page == Page::Output && c == 'i') {
    return state_.program_runs ? ask(Prompt::Kind::Type, "to the program: ") : void();
  }
  if (const size_t at = kTableKeys.find(c); at != std::u32string_view::npos)
    return show_table(static_cast<Table>(at));
  if (is_tables && c == '<') return table.sort_by_neighbour(-1);
  if (is_tables && c == '>') return table.sort_by_neighbour(1);
  if (is_tables && c == 'r') return table.reverse();
  if (is_tables && c == '/') return ask(Prompt::Kind::Filter, "filter: ", table.filter());
  if (is_tables && c == 'o') return switch_function();
  on_any_page(c);
}

void Keys::on_any_page(char32_t c) {
  switch (c) {
    case 'q':
      return quit();
    case ' ':
      return pause();
    case 'j':
      return move(1);
    case 'k':
      return move(-1);
    case '+':
    case '-':
      return change_interval(c == '+');
    case 'S':
      return ask(Prompt::Kind::Sample, "sample (every=N rate=N first=N off, then functions): ");
    case 'R':
      show(Page::Rules);
      return add(Kind::Ask, "inject list");
    case ':':
      return ask(Prompt::Kind::Command, "request to the tracer: ");
    case 'v':
      if (model_.whose_ == Whose::Somebody)
        return model_.say("the program has a terminal elsewhere: this view has not started it",
                          true);
      return show(Page::Output);
    case '?':
    case 'h':
      return show(Page::Help);
    default:
      return;
  }
}

void Keys::on_rule(char32_t c) {
  if (c == 'a') return ask(Prompt::Kind::AddRule, "rule: ");
  if (state_.rule_index >= state_.rules.size()) return;
  add(Kind::Ask, fmt::format("inject remove {}", state_.rules[state_.rule_index].number));
  add(Kind::Ask, "inject list");
}

namespace {

void step(size_t& index, int64_t by, size_t end) {
  const auto last = static_cast<int64_t>(std::max<size_t>(end, 1)) - 1;
  index = static_cast<size_t>(std::clamp<int64_t>(static_cast<int64_t>(index) + by, 0, last));
}

}  // namespace

void Keys::move(int64_t by) {
  constexpr size_t kLongestPage = 10'000;  // drawing stops at its end
  switch (state_.page) {
    case Page::Tables:
      return model_.tables_[size_t(state_.table)].select_by(by);
    case Page::Calls:
      return step(state_.call_index, by, state_.calls.size());
    case Page::Rules:
      return step(state_.rule_index, by, state_.rules.size());
    case Page::Output:
      return step(state_.scroll, -by, model_.output_.lines().size());
    case Page::Call:
    case Page::Help:
      return step(state_.scroll, by, kLongestPage);
  }
}

void Keys::enter() {
  if (state_.page == Page::Calls && state_.call_index < state_.calls.size()) {
    state_.call = state_.calls[state_.call_index];  // it may soon be too old to be sent
    return show(Page::Call);
  }
  const RatedRow* row = model_.table().selected();
  if (state_.page != Page::Tables || row == nullptr) return;
  state_.focus = row->row;
  state_.focus_table = state_.table;
  state_.calls.clear();
  state_.call_index = 0;
  show(Page::Calls);
  const bool by_name = state_.table == Table::Function && is_plain_name(row->row.name);
  add(Kind::WatchRecent, by_name ? row->row.name : "");
}

void Keys::back() {
  if (state_.page == Page::Call) return show(Page::Calls);
  if (state_.page == Page::Tables) return model_.tables_[size_t(state_.table)].filter("");
  show(Page::Tables);
}

void Keys::show(Page page) {
  if (page == Page::Help || page == Page::Output || page == Page::Call) state_.scroll = 0;
  const bool was_drilled = state_.page == Page::Calls || state_.page == Page::Call;
  const bool is_drilled = page == Page::Calls || page == Page::Call;
  if (was_drilled && !is_drilled) add(Kind::ForgetRecent);
  state_.page = page;
}

void Keys::show_table(Table table) {
  state_.table = table;
  show(Page::Tables);
  if (std::exchange(model_.is_watched_[size_t(table)], true)) return;
  effects_.push_back({Kind::WatchTable, "", table});
}

void Keys::pause() {
  state_.is_paused = !state_.is_paused;
  for (TableView& table : model_.tables_) table.hold(state_.is_paused);
  if (state_.is_paused || !model_.held_calls_) return;
  model_.take_recent(std::move(*model_.held_calls_));
  model_.held_calls_.reset();
}

void Keys::change_interval(bool is_longer) {
  constexpr uint32_t kSteps[] = {100, 200, 500, 1000, 2000, 5000, 10'000, 30'000, 60'000};
  uint32_t next = state_.interval_ms;
  for (const uint32_t one : kSteps) {
    if (is_longer && one > state_.interval_ms) {
      next = one;
      break;
    }
    if (!is_longer && one < state_.interval_ms) next = one;
  }
  if (next == state_.interval_ms) return;
  state_.interval_ms = next;
  add(Kind::SetInterval);
}

void Keys::switch_function() {
  const RatedRow* row = model_.table().selected();
  if (row == nullptr) return;
  const std::string& name = row->row.name;
  if (state_.table != Table::Function)
    return model_.say("only functions are switched off and on: press f", true);
  if (!is_plain_name(name))
    return model_.say("this name cannot stand in a list; use : functions remove LIST", true);
  const bool is_off = state_.switched_off.contains(name);
  add(Kind::Ask, (is_off ? "functions add " : "functions remove ") + name);
}

void Keys::quit() {
  if (model_.whose_ == Whose::Own && state_.program_runs)
    return ask(Prompt::Kind::EndProgram,
               "The program still runs: k ends it, w waits for it here, Esc stays");
  add(Kind::Leave);
}

}  // namespace wc::top
