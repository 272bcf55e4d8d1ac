// The names of the contract, as data: options, INI keys, and what is refused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wc::config {

enum class Key {
  Functions,
  Breakpoints,
  Syscalls,
  Engine,
  Gate,
  Scope,
  Backend,
  Output,
  Summary,
  AllCalls,
  StringSize,
  StackTrace,
  StackDepth,
  Frames,
  Color,
  Time,
  RelativeTime,
  Duration,
  Paths,
  Every,
  Rate,
  First,
  Inject,
  Deny,
  Objects,
  Compare,
  CompareOutput,
  CompareLoad,
  CompareReady,
  CompareFigure,
  CompareLimit,
  Replay,
  Overflow,
  Patch,
  Pid,
  Config,
  Follow,
  NoFollow,
  Control,
  Connect,
  Verbose,
  Version,
  Help,
  ListFunctions,
  ListSyscalls,
  Preload,
};

enum class Argument { None, Required, Attached, NextWord };  // Attached, NextWord: optional

struct OptionRow {
  Key key;
  char letter;            // 0: long name only
  std::string_view name;  // empty: letter only
  Argument argument;
};

enum class Times { Once, Many };

struct IniRow {
  Key key;
  Times times;               // how often it may stand in one file
  std::string_view section;  // "options" may also stand without its section line
  std::string_view name;     // "every.*" stands for every.FUNCTION
};

std::span<const OptionRow> option_rows();
std::span<const IniRow> ini_rows();

const OptionRow* find_option(char letter);
const OptionRow* find_option(std::string_view name);

// "-s/--string-size", "--inject", "-t".
std::string spelling(const OptionRow& row);

// What to do instead, where this version does not do what the key asks for.
std::optional<std::string_view> refusal(Key key);

// What to say of an option that other tools have and this one does not, or empty.
std::string_view foreign_option_hint(std::string_view spelled);

}  // namespace wc::config
