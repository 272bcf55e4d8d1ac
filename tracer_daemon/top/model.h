// What the view shows, and what keys do to it. No terminal, no socket: samples, answers and keys
// come in, effects go out, and view.h draws it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "top/output_lines.h"
#include "top/sample.h"
#include "top/table_view.h"

namespace wc::top {

enum class KeyName : uint8_t {
  Character,
  Up,
  Down,
  PageUp,
  PageDown,
  Home,
  End,
  Left,
  Right,
  Enter,
  Escape,
  Backspace,
  Tab,
  BackTab,
  Help,
  Quit
};
struct Key {
  KeyName name = KeyName::Character;
  char32_t character = 0;
};

// What is to be done outside of the model.
struct Effect {
  enum class Kind : uint8_t {
    Ask,          // text: a request; the answer goes to Model::answered()
    WatchTable,   // `table`, from now on
    WatchRecent,  // text: the function, or empty: everybody's calls
    ForgetRecent,
    SetInterval,  // Model::interval()
    Type,         // text: to the program's terminal
    EndProgram,
    WaitForProgram,  // the view goes, the program keeps the terminal
    Leave
  };
  Kind kind = Kind::Leave;
  std::string text;
  Table table = Table::Function;
};

enum class Page : uint8_t { Tables, Calls, Call, Rules, Output, Help };
enum class Whose : uint8_t { Somebody, Attached, Own };  // the program: Own was started by the view
enum class RunState : uint8_t { Starting, Running, Ended, Gone };

struct Prompt {
  enum class Kind : uint8_t { Filter, Sample, AddRule, Command, Type, EndProgram };
  Kind kind = Kind::Filter;
  std::string label, text;
};

struct StatusLine {
  std::string text;
  bool is_error = false;
};

class Model {
 public:
  Model(std::string title, Whose whose, uint32_t interval_ms);

  // ---- what comes in
  void take(Sample sample);
  void answered(const std::string& request, const Answer& answer);
  void printed(std::string_view bytes) { output_.add(bytes); }
  void connected();
  void trace_is_over(RunState state, std::string how);
  void program_is_over(std::string how, bool is_error);
  void say(std::string text, bool is_error);
  [[nodiscard]] std::vector<Effect> press(const Key& key);
  [[nodiscard]] std::vector<Effect> choose(Table table);
  // Rows that fit on a page: what PageUp and PageDown move by.
  void page_rows(size_t rows) { page_rows_ = rows; }

  // ---- what is shown
  struct State {
    Page page = Page::Tables;
    Table table = Table::Function;
    bool is_paused = false;
    RunState run = RunState::Starting;  // of the trace
    bool program_runs = true;           // may outlive the trace
    std::optional<Prompt> prompt;
    StatusLine status;
    uint32_t interval_ms = 0;
    // Of the last sample that is shown, without its tables.
    Sample sample;
    uint64_t missed = 0;  // samples, in all
    // Page::Calls: the last calls of this row, the newest first.
    Row focus;
    Table focus_table = Table::Function;
    std::vector<RecentCall> calls;
    size_t call_index = 0;
    RecentCall call;  // Page::Call
    std::vector<RuleLine> rules;
    size_t rule_index = 0;
    size_t scroll = 0;  // lines: from the top (Call, Help), from the end (Output)
    std::set<std::string> switched_off;
  };
  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] const std::string& title() const { return title_; }
  [[nodiscard]] Whose whose() const { return whose_; }
  [[nodiscard]] const TableView& table(Table table) const {
    return tables_[static_cast<size_t>(table)];
  }
  [[nodiscard]] const TableView& table() const { return table(state_.table); }
  [[nodiscard]] const OutputLines& output() const { return output_; }

 private:
  friend class Keys;  // keys.cpp
  void take_recent(std::vector<RecentCall> recent);
  [[nodiscard]] bool is_of_focus(const RecentCall& call) const;

  std::string title_;
  Whose whose_;
  State state_;
  std::array<TableView, kTables> tables_;
  std::array<bool, kTables> is_watched_{};
  std::optional<std::vector<RecentCall>> held_calls_;
  OutputLines output_;
  size_t page_rows_ = 10;
};

// Whether `subscribe function=NAME` and `functions add NAME` take it as it is.
bool is_plain_name(std::string_view name);

}  // namespace wc::top
