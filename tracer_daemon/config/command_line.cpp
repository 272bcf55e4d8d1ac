// The command line in two steps. Boost.Program_options has no notion of "options end at the first
// word", and its messages name neither what is valid nor what is near; so the head of the line is
// measured and checked word by word first, and Boost then takes it apart.
#include <fmt/format.h>

#include <algorithm>
#include <boost/make_shared.hpp>
#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

namespace po = boost::program_options;

bool is_negative(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

bool looks_like_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

Error unknown_option(std::string_view spelled, std::string_view word) {
  const std::string what = fmt::format("unknown option {}", printable(spelled.substr(0, 80)));
  // A letter of a group says nothing of what another tool's option is: -list is no -l. But -xx is
  // strace's -x given twice, and -f is what hands put first.
  const bool is_alone = word.size() > 1 && word.find_first_not_of(word[1], 1) == word.npos;
  const bool is_meant =
      spelled.starts_with("--") || is_alone || (spelled == "-f" && word.starts_with("-f"));
  const std::string_view hint = is_meant ? foreign_option_hint(spelled) : "";
  if (!hint.empty()) return Error{fmt::format("{}; {}", what, hint)};
  std::vector<std::string_view> names;
  for (const OptionRow& row : option_rows()) {
    if (!row.name.empty()) names.push_back(row.name);
  }
  // A letter resembles nothing; but -config is --config with a dash too few.
  const std::string_view typed = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  const std::string_view near = typed.size() < 3 ? std::string_view() : closest_word(typed, names);
  if (!near.empty()) return Error{fmt::format("{}; did you mean --{}?", what, near)};
  return Error{what + "; wc-preload --help lists the options"};
}

// Measures the head of the line: the words that are options and their arguments. The arguments
// are attached to their options on the way, so that Boost cannot take one for an option.
class Head {
 public:
  explicit Head(std::span<const std::string> args) : args_(args) {}

  Status measure() {
    while (next_ < args_.size() && looks_like_option(args_[next_])) {
      const std::string_view word = args_[next_++];
      if (word == "--") break;
      Status taken = word.starts_with("--") ? take_long(word.substr(2)) : take_letters(word);
      if (!taken) return taken;
    }
    return Done{};
  }

  std::vector<std::string> words;
  [[nodiscard]] std::span<const std::string> rest() const { return args_.subspan(next_); }

 private:
  Status take_long(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const OptionRow* row = find_option(name);
    if (row == nullptr) return unknown_option(fmt::format("--{}", name), name.empty() ? "-" : name);
    if (equals != std::string_view::npos) {
      if (row->argument == Argument::None) {
        return Error{fmt::format("option {} takes no value", spelling(*row))};
      }
      return push(*row, text.substr(equals + 1));
    }
    if (row->argument == Argument::Required) return take_next(*row);
    if (row->argument == Argument::NextWord && has_plain_word()) return push(*row, args_[next_++]);
    words.push_back(fmt::format("--{}", row->name));
    return Done{};
  }

  Status take_letters(std::string_view word) {
    // -config is a dash too few, never -c -o nfig.
    const std::string_view name = word.substr(1, word.find('=') - 1);
    if (name.size() > 1 && find_option(name) != nullptr) {
      return Error{fmt::format("unknown option -{0}; did you mean --{0}?", name)};
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (word.substr(i, 2) == "ff") {  // the one option of two letters
        words.push_back(fmt::format("--{}", find_option(Key::Separately)->name));
        ++i;
        continue;
      }
      const OptionRow* row = find_option(word[i]);
      if (row == nullptr) return unknown_option(fmt::format("-{}", word.substr(i, 1)), word);
      if (row->argument == Argument::Required) {
        return i + 1 < word.size() ? push(*row, word.substr(i + 1)) : take_next(*row);
      }
      words.push_back(fmt::format("-{}", word[i]));
    }
    return Done{};
  }

  Status take_next(const OptionRow& row) {
    if (next_ == args_.size()) return Error{fmt::format("option {} needs a value", spelling(row))};
    // A value that begins with a dash is nearly always a forgotten one; attached it is taken.
    // A number below zero is none, and the option says what it takes.
    if (!has_plain_word() && !is_negative(args_[next_])) {
      return Error{
          fmt::format("option {} needs a value, found {}", spelling(row), in_quotes(args_[next_]))};
    }
    return push(row, args_[next_++]);
  }

  Status push(const OptionRow& row, std::string_view value) {
    if (value.empty()) return Error{fmt::format("option {}: the value is empty", spelling(row))};
    words.push_back(row.name.empty() ? fmt::format("-{}{}", row.letter, value)
                                     : fmt::format("--{}={}", row.name, value));
    return Done{};
  }

  [[nodiscard]] bool has_plain_word() const {
    return next_ < args_.size() && !looks_like_option(args_[next_]);
  }

  std::span<const std::string> args_;
  std::size_t next_ = 0;
};

po::options_description describe() {
  po::options_description description;
  for (const OptionRow& row : option_rows()) {
    std::string names(row.name);
    if (row.letter != 0) names += fmt::format(",{}", row.letter);
    const po::value_semantic* value = nullptr;
    if (row.argument == Argument::None) {
      value = new po::untyped_value(true);  // owned by the description
    } else if (row.argument == Argument::Required) {
      value = po::value<std::string>();
    } else {
      value = po::value<std::string>()->implicit_value("");
    }
    description.add(boost::make_shared<po::option_description>(names.c_str(), value));
  }
  return description;
}

Setting to_setting(const po::option& parsed) {
  // Boost gives the long name, and "-t" where there is none.
  const std::string& name = parsed.string_key;
  const OptionRow* row =
      name[0] == '-' ? find_option(name[1]) : find_option(std::string_view(name));
  return Setting{row->key, parsed.value.empty() ? std::string() : parsed.value[0],
                 "option " + spelling(*row)};
}

struct Qualifier {
  std::string_view word;
  Key key;
};

// What strace has behind -e besides system calls, for which there are options here.
constexpr Qualifier kQualifiers[] = {{"signal", Key::Signals},   {"signals", Key::Signals},
                                     {"s", Key::Signals},        {"status", Key::StatusSet},
                                     {"quiet", Key::Quiet},      {"silent", Key::Quiet},
                                     {"silence", Key::Quiet},    {"q", Key::Quiet},
                                     {"decode-fds", Key::Paths}, {"decode-fd", Key::Paths}};

Setting without_qualifier(Setting setting) {
  if (setting.key != Key::Syscalls) return setting;
  const std::string_view value = trimmed(setting.value);
  for (const Qualifier& one : kQualifiers) {
    const std::string prefix = fmt::format("{}=", one.word);
    if (value.starts_with(prefix) && value.size() > prefix.size())
      return {one.key, std::string(value.substr(prefix.size())), "option -e " + prefix};
  }
  if (value.starts_with("t=")) setting.value = fmt::format("trace={}", value.substr(2));
  return setting;
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const std::string> args) {
  Head head(args);
  const Status measured = head.measure();
  if (!measured) return measured.error();
  CommandLine line;
  line.program.assign(head.rest().begin(), head.rest().end());
  try {
    const po::options_description description = describe();
    namespace style = po::command_line_style;
    const int exact = style::unix_style & ~style::allow_guessing;
    const auto parsed = po::command_line_parser(head.words).options(description).style(exact).run();
    for (const po::option& option : parsed.options)
      line.settings.push_back(without_qualifier(to_setting(option)));
  } catch (const po::error& error) {
    return Error{fmt::format("command line: {}", printable(error.what()))};
  }
  return line;
}

}  // namespace wc::config
