#include "config/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>

#include "base/text.h"
#include "config/relations.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

constexpr std::string_view kUsage = "usage: wc-preload [OPTIONS] [--] PROGRAM [ARG...]";

using Settings = std::vector<Setting>;

// The first word of wc-tracerd, which is not the user's: the launcher writes it.
Result<Command> take_command(std::span<const std::string>& args) {
  if (args.empty() || args[0].starts_with('-')) return Command::Run;
  const std::string& word = args[0];
  args = args.subspan(1);
  if (word == "run") return Command::Run;
  if (word == "serve") return Command::Serve;
  if (word == "measure") return Command::Measure;
  if (word == "attach") return Command::Attach;
  constexpr std::string_view kCommands[] = {"run", "serve", "attach"};
  return Error{fmt::format("unknown command {}{}", in_quotes(word), suggestion(word, kCommands))};
}

const Setting* find(const Settings& settings, std::initializer_list<Key> keys) {
  const auto found = std::find_if(settings.begin(), settings.end(), [&](const Setting& s) {
    return std::find(keys.begin(), keys.end(), s.key) != keys.end();
  });
  return found == settings.end() ? nullptr : &*found;
}

// Whether the command line says something else about what an INI setting is about.
bool overridden(Key key, const Settings& line) {
  if (key == Key::Follow) return find(line, {Key::NoFollow}) != nullptr;
  if (key == Key::Backend)
    return find(line, {Key::Backend, Key::Summary, Key::SummaryToo}) != nullptr;
  if (key == Key::StatusSet)
    return find(line, {Key::StatusSet, Key::Successful, Key::Failed}) != nullptr;
  return find(line, {key}) != nullptr;
}

// `kept`: the settings that hold.
Status apply_ini(const std::string& path, const Settings& line, Settings& kept, Options& options) {
  const Result<std::string> text = read_ini_file(path);
  if (!text) return text.error();
  const Result<Settings> settings = parse_ini(*text, path);
  if (!settings) return settings.error();
  Options unused;
  for (const Setting& setting : *settings) {
    // What the command line says otherwise is checked and dropped, so that lists do not mix. A
    // wrong value is an error even where it is overridden; a value that this version cannot honour
    // is not, or such a file could not be used at all.
    const bool lost = overridden(setting.key, line);
    Status applied = apply(setting, lost ? unused : options);
    if (!applied && !(lost && applied.error().code == ENOTSUP)) return applied;
    if (!lost) kept.push_back(setting);
  }
  return Done{};
}

Status apply_config(const Settings& line, Settings& kept, Options& options) {
  const Setting* config = find(line, {Key::Config});
  if (config == nullptr) return Done{};
  const auto is_config = [](const Setting& s) { return s.key == Key::Config; };
  if (std::count_if(line.begin(), line.end(), is_config) > 1) {
    return Error{"option --config given twice; only one file is read"};
  }
  return apply_ini(config->value, line, kept, options);
}

// What cannot be done to a process that runs already.
Status check_attach(const Options& options) {
  if (options.command != Command::Run && options.command != Command::Attach)
    return Error{"-p goes with no other command"};
  if (!options.program.empty())
    return Error{fmt::format("-p traces a running process; found the program {}, too",
                             in_quotes(options.program[0]))};
  if (!options.connect_path.empty()) return Error{"-p takes no --connect"};
  if (!options.user_preloads.empty())
    return Error{"-p: no library can be preloaded into a running process ([LD_PRELOAD])"};
  if (options.engine == EngineChoice::Inproc)
    return Error{"-p: engine inproc needs the library that is preloaded; use -E ptrace"};
  return Done{};
}

// A column as strace's -a has it would be taken for the program.
Status check_first_word(const Options& options) {
  if (!options.all_calls || options.program.empty()) return Done{};
  const std::string_view hint = foreign_value_hint(Key::AllCalls, options.program[0]);
  if (hint.empty()) return Done{};
  return Error{fmt::format("{} is taken for the program: {}", in_quotes(options.program[0]), hint)};
}

Status check_diff(const Options& options) {
  if (options.program.size() != 2)
    return Error{fmt::format(
        "--diff takes two files: raw ones, -b summary:format=json's or -b folded's; found {}",
        options.program.size())};
  const auto& backends = options.backends;
  constexpr std::array<std::string_view, 3> kForms{"text", "json", "folded"};
  if (backends.size() != 1 || std::ranges::find(kForms, backends.front()) == kForms.end())
    return Error{"--diff prints one of -b text, json and folded, without options"};
  return Done{};
}

Status check_program(const Options& options) {
  if (options.command == Command::Diff) return check_diff(options);
  if (options.command == Command::Replay) {
    if (!options.pids.empty()) return Error{"--replay runs nothing, so it goes without -p"};
    if (options.program.empty()) return Done{};
    return Error{fmt::format("--replay runs no program, found {}", in_quotes(options.program[0]))};
  }
  if (!options.pids.empty()) return check_attach(options);
  switch (options.command) {
    case Command::Attach:
      return Error{"command attach needs -p PID"};
    case Command::Run:
      if (options.program.empty()) return Error{fmt::format("no program given; {}", kUsage)};
      return check_first_word(options);
    case Command::Serve:
      if (options.control_path.empty()) return Error{"serve needs --control PATH"};
      if (!options.connect_path.empty()) return Error{"serve takes no --connect"};
      if (options.program.empty()) return Done{};
      return Error{fmt::format("serve takes no program, found {}", in_quotes(options.program[0]))};
    case Command::Measure:
      if (options.program.size() == 1) return Done{};
      return Error{"measure takes one plan, a JSON file, and nothing else"};
    case Command::ListSyscalls:
      if (options.program.empty()) return Done{};
      return Error{fmt::format("option --list-syscalls takes one list and no program, found {}",
                               in_quotes(options.program[0]))};
    case Command::ListClasses:
      if (options.program.empty()) return Done{};
      return Error{fmt::format("option --list-classes takes no program, found {}",
                               in_quotes(options.program[0]))};
    default:
      return Done{};
  }
}

// -C: the summary stands beside whatever else there is, which is text where nothing is said.
void finish_backends(const Settings& line, Options& options) {
  auto& backends = options.backends;
  const auto is_summary = [](const std::string& spec) { return spec.starts_with("summary"); };
  const bool beside = find(line, {Key::SummaryToo}) != nullptr;
  if (backends.empty() || (beside && std::all_of(backends.begin(), backends.end(), is_summary)))
    backends.insert(backends.begin(), "text");
}

// SYSCALLS[@FUNCTIONS] at a rule's beginning: the functions, or nothing.
std::string_view functions_of(std::string_view rule) {
  const std::size_t at = rule.find('@');
  const std::size_t end = end_of_place(rule);
  return at < end ? rule.substr(at + 1, end - at - 1) : std::string_view();
}

bool is_scope(std::string_view term) {
  return term.substr(term.starts_with('!') ? 1 : 0).starts_with("scope:");
}

// `::f` is f of the program.
void add_breakpoint(std::string_view name, Options& options) {
  if (name.starts_with("::")) name.remove_prefix(2);
  const auto known = split_words(options.breakpoints, ",");
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  if (!options.breakpoints.empty()) options.breakpoints += ',';
  options.breakpoints += name;
}

void add_function(std::string_view name, Options& options) {
  if (!selects_functions(options)) options.functions.clear();
  const auto known = split_words(options.functions, ", \t");
  // A list without a scope has all of them, and one that is named would be the only one. One that a
  // rule leaves out is reported nevertheless.
  const bool has_all_scopes = !known.empty() && std::none_of(known.begin(), known.end(), is_scope);
  if (is_scope(name) && (has_all_scopes || name.starts_with('!'))) return;
  options.functions_given = true;
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  if (!options.functions.empty()) options.functions += ',';
  options.functions += name;
}

void add_named(std::string_view functions, Options& options) {
  if (functions.empty() || functions.starts_with('!')) return;
  const auto broken = split_words(options.breakpoints, ", \t");
  for (const std::string_view one : split_words(functions, ", \t")) {
    if (one.find("::") != std::string_view::npos)
      add_breakpoint(one, options);
    else if (std::find(broken.begin(), broken.end(), one) == broken.end())
      add_function(one, options);
  }
}

// A rule holds while one of its functions is open, and a claim counts what is done in one: it must
// be seen for that.
void finish_named(Options& options) {
  for (const RuleText& rule : options.rules) add_named(functions_of(rule.text), options);
  for (const ClaimText& claim : options.claims) add_named(functions_of_claim(claim.text), options);
}

Result<Options> parse(std::span<const std::string> args) {
  Options options;
  const Result<Command> command = take_command(args);
  if (!command) return command.error();
  options.command = *command;
  Result<CommandLine> line = parse_command_line(args);
  if (!line) return line.error();
  // --diff A B takes no program, so options may stand behind its files, too.
  if (find(line->settings, {Key::Diff}) != nullptr && line->program.size() > 2) {
    Result<CommandLine> more = parse_command_line(std::span(line->program).subspan(2));
    if (!more) return more.error();
    line->settings.insert(line->settings.end(), more->settings.begin(), more->settings.end());
    line->program.resize(2);
    line->program.insert(line->program.end(), more->program.begin(), more->program.end());
  }
  options.program = std::move(line->program);

  // Somebody who asks for help gets it, whatever else is wrong.
  if (const Setting* asked = find(line->settings, {Key::Help, Key::Version})) {
    options.command = asked->key == Key::Help ? Command::Help : Command::Version;
    return options;
  }
  Settings file;
  const Status config = apply_config(line->settings, file, options);
  if (!config) return config.error();
  for (const Setting& setting : line->settings) {
    const Status applied = apply(setting, options);
    if (!applied) return applied.error();
  }
  if (find(line->settings, {Key::Replay}) != nullptr) {
    if (options.command != Command::Run) return Error{"--replay goes with no other command"};
    options.command = Command::Replay;
    options.replay.string_size_given = find(line->settings, {Key::StringSize}) != nullptr;
  }
  finish_backends(line->settings, options);
  finish_named(options);
  const Status compare = finish_compare(line->settings, options);
  if (!compare) return compare.error();
  const Status explore = finish_explore(file, line->settings, options);
  if (!explore) return explore.error();
  const Status program = check_program(options);
  if (!program) return program.error();
  const Status relations = check_relations(file, line->settings, options);
  if (!relations) return relations.error();
  if (!options.prepared.empty() && options.control_path.empty())
    options.warnings.emplace_back(
        "--prepare has no effect: without --control PATH nothing is switched on later");
  if (!options.pids.empty()) options.command = Command::Attach;
  return options;
}

}  // namespace
}  // namespace wc::config

namespace wc {

// Full-process mode, breakpoints and --objects wrap nothing of themselves.
bool selects_functions(const Options& options) {
  return options.functions_given ||
         (options.scope != ScopeMode::Process && options.breakpoints.empty() && !options.objects);
}

Result<Options> parse_options(std::span<const char* const> args) {
  try {
    return config::parse(std::vector<std::string>(args.begin(), args.end()));
  } catch (const std::exception& error) {
    return Error{fmt::format("cannot read the options: {}", config::printable(error.what()))};
  }
}

}  // namespace wc
