// The names of the contract, as data: options, INI keys, and what is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wc::config {

enum class Key {
  Functions,
  Breakpoints,
  Syscalls,
  Path,
  Successful,
  Failed,
  StatusSet,
  Engine,
  Gate,
  Scope,
  Backend,
  Output,
  Append,
  Separately,
  Summary,
  SummaryToo,
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
  Quiet,
  Signals,
  User,
  Every,
  Rate,
  First,
  Inject,
  Deny,
  Fault,
  Explore,
  Expect,
  ExpectJunit,
  Flight,
  FlightOn,
  Record,
  Prepare,
  Diff,
  Objects,
  Compare,
  CompareOutput,
  CompareLoad,
  CompareReady,
  CompareFigure,
  CompareLimit,
  Replay,
  Sysroot,
  Threshold,
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
  ListClasses,
  Preload,
};
inline constexpr std::size_t kKeys = static_cast<std::size_t>(Key::Preload) + 1;

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
  Times times;                // how often it may stand in one file
  std::string_view section;   // "options" may also stand without its section line
  std::string_view name;      // "every.*" stands for every.FUNCTION
  std::string_view meaning;   // the rest is for docs/configuration.md
  std::string_view fallback;  // what holds without the key; empty: nothing
  std::string_view example;   // a value
};

// A name that strace has for what an option does here.
struct Synonym {
  std::string_view name;
  Key key;
};

std::span<const OptionRow> option_rows();
std::span<const IniRow> ini_rows();
std::span<const Synonym> synonyms();

const OptionRow* find_option(char letter);
// By its own name or a synonym.
const OptionRow* find_option(std::string_view name);
const OptionRow* find_option(Key key);

// "-s/--string-size", "--inject", "-C". That of -ff, two letters, is "-ff/--output-separately".
std::string spelling(const OptionRow& row);

// What to do instead, where this version does not do what the key asks for.
std::optional<std::string_view> refusal(Key key);

// What to say of an option that other tools have and this one does not, or empty.
std::string_view foreign_option_hint(std::string_view spelled);
// What to say where an option has a value that only another tool's option of that letter takes, or
// empty.
std::string_view foreign_value_hint(Key key, std::string_view value);

}  // namespace wc::config
