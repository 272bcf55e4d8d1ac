// One thing that somebody asked for, wherever it was written, and what reads and applies it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "config/tables.h"

namespace wc::config {

struct Setting {
  Key key;
  std::string value;  // empty for options that take none
  std::string where;  // how errors begin: "option -s/--string-size", "a.ini:3: string-size"
};

// An option that makes no sense together with a command, and why.
struct Excluded {
  Key key;
  std::string_view why;
};
// `command`: "--compare".
Status check_excluded(const Setting& setting, std::span<const Excluded> excluded,
                      std::string_view command);

struct CommandLine {
  std::vector<Setting> settings;     // in the order given
  std::vector<std::string> program;  // from the first word that is no option, or after "--"
};

// The options end at the first word that is not one, as in env(1) and strace(1): what follows
// belongs to the program.
Result<CommandLine> parse_command_line(std::span<const std::string> args);

// Pure. `name` stands in errors, which are one line "NAME:LINE: ...".
Result<std::vector<Setting>> parse_ini(std::string_view text, std::string_view name);
Result<std::string> read_ini_file(const std::string& path);
// Up to kMaxIniSize bytes; `what` and `doubt` are for messages: "file of claims", "is it one?".
Result<std::string> read_text_file(const std::string& path, std::string_view what,
                                   std::string_view doubt);

// Checks the value of one setting and writes it into `options`. Lists grow, the rest is replaced.
Status apply(const Setting& setting, Options& options);

// The same for --compare and what goes with it; then, once all of the command line is applied, what
// excludes what, and which options the compared runs are given.
Status apply_compare(const Setting& setting, CompareOptions& compare);
Status finish_compare(std::span<const Setting> line, Options& options);

// The same for --explore, whose limits are --compare-limit's. `file`: what holds of the INI file.
Status apply_explore(const Setting& setting, ExploreOptions& explore);
Status finish_explore(std::span<const Setting> file, std::span<const Setting> line,
                      Options& options);

// --expect: a claim, or @FILE with one a line; then the functions that claims name, which must be
// seen, and what makes their numbers wrong.
Status add_claims(const Setting& setting, Options& options);
std::string_view functions_of_claim(std::string_view claim);
Status check_claims(Options& options);
// --flight and --flight-on.
Status apply_flight(const Setting& setting, Options& options);

// As one word of a command line, so that a value that begins with a dash stays one.
std::string respelled(const Setting& setting);

// Whether an INI file says what holds without it.
bool is_default(const Setting& setting);

// A list of libraries as LD_PRELOAD has it, each checked and made absolute.
Result<std::vector<std::string>> resolve_preloads(const Setting& setting);

}  // namespace wc::config
