// The command line: what each option does, what is refused, and in which words.
#include "config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "config/tables.h"
#include "config/words.h"

namespace wc::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

Result<Options> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "run");
  return parse_options(words);
}

Options good(const std::vector<const char*>& words) {
  Result<Options> options = parse(words);
  if (options) return *options;
  ADD_FAILURE() << options.error().message;
  return Options{};
}

std::string bad(const std::vector<const char*>& words) {
  const Result<Options> options = parse(words);
  if (options) return "(accepted)";
  EXPECT_EQ(options.error().message.find('\n'), std::string::npos) << options.error().message;
  return options.error().message;
}

TEST(Options, DefaultsAreTheContracts) {
  const Options o = good({"prog"});
  EXPECT_EQ(o.command, Command::Run);
  EXPECT_EQ(o.functions, "@default");
  EXPECT_FALSE(o.functions_given);
  EXPECT_EQ(o.syscalls, "");
  EXPECT_EQ(o.engine, EngineChoice::Default);
  EXPECT_EQ(o.gate, GateChoice::Auto);
  EXPECT_EQ(o.scope, ScopeMode::Functions);
  EXPECT_THAT(o.backends, ElementsAre("text"));
  EXPECT_EQ(o.output, "");
  EXPECT_FALSE(o.all_calls);
  EXPECT_EQ(o.string_size, 32u);
  EXPECT_EQ(o.time_format, 0);
  EXPECT_FALSE(o.show_duration);
  EXPECT_FALSE(o.show_paths);
  EXPECT_TRUE(o.follow);
  EXPECT_EQ(o.verbose, 0);
  EXPECT_THAT(o.user_preloads, IsEmpty());
  EXPECT_THAT(o.program, ElementsAre("prog"));
}

TEST(Options, EveryOptionReachesItsField) {
  const Options o = good({"-F",
                          "@net",
                          "-e",
                          "open",
                          "-E",
                          "ptrace",
                          "-g",
                          "trap",
                          "--scope",
                          "functions",
                          "-b",
                          "json:a=1,b=2",
                          "-o",
                          "out",
                          "-a",
                          "-s",
                          "64",
                          "-T",
                          "-y",
                          "--no-follow",
                          "-v",
                          "--patch",
                          "libuv*,x.so.1",
                          "p"});
  EXPECT_THAT(o.patched_libraries,
              ElementsAre("libc.so.6", "ld-linux-x86-64.so.2", "libuv*", "x.so.1"));
  EXPECT_EQ(o.functions, "@net");
  EXPECT_TRUE(o.functions_given);
  EXPECT_EQ(o.syscalls, "open");
  EXPECT_EQ(o.engine, EngineChoice::Ptrace);
  EXPECT_EQ(o.gate, GateChoice::Trap);
  EXPECT_THAT(o.backends, ElementsAre("json:a=1,b=2"));
  EXPECT_EQ(o.output, "out");
  EXPECT_TRUE(o.all_calls);
  EXPECT_EQ(o.string_size, 64u);
  EXPECT_TRUE(o.show_duration);
  EXPECT_TRUE(o.show_paths);
  EXPECT_FALSE(o.follow);
  EXPECT_EQ(o.verbose, 1);
  EXPECT_THAT(o.program, ElementsAre("p"));
}

TEST(Options, LongNamesTakeTheirValueAttachedOrNext) {
  const Options next = good({"--functions", "a", "--string-size", "5", "--gate", "socket", "p"});
  const Options attached = good({"--functions=a", "--string-size=5", "--gate=dispatch", "p"});
  EXPECT_EQ(next.functions, "a");
  EXPECT_EQ(next.string_size, 5u);
  EXPECT_EQ(next.gate, GateChoice::Socket);
  EXPECT_EQ(next.overflow, Overflow::Wait);
  EXPECT_EQ(good({"--overflow=drop", "p"}).overflow, Overflow::Drop);
  EXPECT_EQ(attached.functions, "a");
  EXPECT_EQ(attached.string_size, 5u);
  EXPECT_EQ(attached.gate, GateChoice::Dispatch);
}

TEST(Options, ShortOptionsGroupAndAttach) {
  const Options o = good({"-tya", "-F@all", "-s64", "-cTbtext", "p"});
  EXPECT_EQ(o.time_format, 1);
  EXPECT_TRUE(o.show_paths);
  EXPECT_TRUE(o.all_calls);
  EXPECT_EQ(o.functions, "@all");
  EXPECT_EQ(o.string_size, 64u);
  EXPECT_TRUE(o.show_duration);
  EXPECT_THAT(o.backends, ElementsAre("summary", "text"));
}

TEST(Options, EndAtTheFirstWordThatIsNone) {
  EXPECT_THAT(good({"ls", "-l", "--help"}).program, ElementsAre("ls", "-l", "--help"));
  EXPECT_THAT(good({"-a", "ls", "-v"}).program, ElementsAre("ls", "-v"));
  EXPECT_EQ(good({"-a", "ls", "-v"}).verbose, 0);
  EXPECT_THAT(good({"-", "-a"}).program, ElementsAre("-", "-a"));
}

TEST(Options, EndAtTwoDashesWhichAreNotPassedOn) {
  EXPECT_THAT(good({"-a", "--", "-prog", "--", "x"}).program, ElementsAre("-prog", "--", "x"));
  EXPECT_THAT(good({"ls", "--", "-l"}).program, ElementsAre("ls", "--", "-l"));
}

TEST(Options, ProgramArgumentsPassUnchanged) {
  EXPECT_THAT(good({"p", "", "a b", "\x01", "@x"}).program,
              ElementsAre("p", "", "a b", "\x01", "@x"));
}

TEST(Options, ValuesPassUnchanged) {
  const Options o = good({"-F", "a=b,!c '#d'", "-e", "trace=open,close", "-o", "a b", "p"});
  EXPECT_EQ(o.functions, "a=b,!c '#d'");
  EXPECT_EQ(o.syscalls, "trace=open,close");
  EXPECT_EQ(o.output, "a b");
  EXPECT_EQ(good({"--output=--help", "p"}).output, "--help");
  EXPECT_EQ(good({"-F@f", "-o-x", "p"}).output, "-x");
}

TEST(Options, TimeFormatsCountAsInStrace) {
  EXPECT_EQ(good({"-t", "p"}).time_format, 1);
  EXPECT_EQ(good({"-tt", "p"}).time_format, 2);
  EXPECT_EQ(good({"-t", "-tt", "p"}).time_format, 3);
  EXPECT_EQ(good({"-r", "p"}).time_format, 4);
  EXPECT_EQ(good({"-rr", "p"}).time_format, 4);
  EXPECT_THAT(bad({"-tttt", "p"}), HasSubstr("-t given more than three times"));
  EXPECT_EQ(good({"-t", "-r", "p"}).time_format, 5);
  EXPECT_EQ(good({"-rtt", "p"}).time_format, 6);
}

TEST(Options, Stacks) {
  EXPECT_FALSE(good({"p"}).stack_trace);
  EXPECT_TRUE(good({"-k", "p"}).stack_trace);
  EXPECT_EQ(good({"-k", "p"}).stack_depth, kMaxShownFrames);
  EXPECT_TRUE(good({"--stack-depth", "3", "p"}).stack_trace);
  EXPECT_EQ(good({"--stack-depth=3", "p"}).stack_depth, 3u);
  EXPECT_THAT(bad({"--stack-depth", "0", "p"}), HasSubstr("a number from 1 to 256"));
  EXPECT_THAT(bad({"--stack-depth", "257", "p"}), HasSubstr("a number from 1 to 256"));
}

TEST(Options, FramesImplyStacks) {
  EXPECT_EQ(good({"-k", "p"}).frames, StackFunctions::Native);
  EXPECT_EQ(good({"--frames=python", "p"}).frames, StackFunctions::Python);
  EXPECT_EQ(good({"--frames", "auto", "p"}).frames, StackFunctions::Auto);
  EXPECT_TRUE(good({"--frames", "auto", "p"}).stack_trace);
  EXPECT_THAT(bad({"--frames=pyton", "p"}), HasSubstr("did you mean python?"));
}

TEST(Options, VerboseCounts) { EXPECT_EQ(good({"-vv", "-v", "p"}).verbose, 3); }

TEST(Options, ListsGivenAgainAreJoined) {
  EXPECT_EQ(good({"-F", "a", "-F", "!b", "p"}).functions, "a,!b");
  EXPECT_EQ(good({"-e", "trace=a", "-e", "trace=b", "p"}).syscalls, "trace=a,b");
  EXPECT_THAT(good({"-b", "json", "-b", "./x.so:k=v", "p"}).backends,
              ElementsAre("json", "./x.so:k=v"));
}

TEST(Options, OtherOptionsGivenAgainAreReplaced) {
  EXPECT_EQ(good({"-s1", "-s2", "p"}).string_size, 2u);
  EXPECT_EQ(good({"-o", "a", "-o", "b", "p"}).output, "b");
}

TEST(Options, SummaryAloneIsTheOnlyBackend) {
  EXPECT_THAT(good({"-c", "p"}).backends, ElementsAre("summary"));
  EXPECT_THAT(good({"-c", "-c", "p"}).backends, ElementsAre("summary"));
  EXPECT_THAT(good({"-b", "text", "--summary", "p"}).backends, ElementsAre("text", "summary"));
  EXPECT_THAT(good({"-b", "summary:format=json", "-c", "p"}).backends,
              ElementsAre("summary:format=json"));
}

TEST(Options, HelpAndVersionWinOverEverythingElse) {
  EXPECT_EQ(good({"--help"}).command, Command::Help);
  EXPECT_EQ(good({"-h"}).command, Command::Help);
  EXPECT_EQ(good({"--version"}).command, Command::Version);
  EXPECT_EQ(good({"-V"}).command, Command::Version);
  EXPECT_EQ(good({"-p", "1", "--config=/no/such", "--help"}).command, Command::Help);
  EXPECT_EQ(good({"prog", "--help"}).command, Command::Run);
}

TEST(Options, ListsTakeAnOptionalArgument) {
  EXPECT_EQ(good({"--list-functions"}).command, Command::ListFunctions);
  EXPECT_EQ(good({"--list-functions"}).list, "");
  EXPECT_EQ(good({"--list-functions", "@net"}).list, "@net");
  EXPECT_EQ(good({"--list-functions=@net", "-v"}).list, "@net");
  EXPECT_EQ(good({"--list-functions", "-v"}).list, "");
  EXPECT_THAT(good({"--list-functions", "@net", "prog", "x"}).program, ElementsAre("prog", "x"));
  EXPECT_THAT(good({"--list-functions", "--", "prog"}).program, ElementsAre("prog"));
  EXPECT_EQ(good({"--list-syscalls", "%file"}).command, Command::ListSyscalls);
  EXPECT_EQ(good({"--list-syscalls", "%file"}).list, "%file");
  EXPECT_THAT(bad({"--list-syscalls", "open", "close"}), HasSubstr("no program, found 'close'"));
}

TEST(Options, NoProgramGivesTheUsage) {
  const std::string usage = "no program given; usage: wc-preload [OPTIONS] [--] PROGRAM [ARG...]";
  EXPECT_EQ(bad({}), usage);
  EXPECT_EQ(bad({"-a", "--"}), usage);
  const Result<Options> nothing = parse_options({});
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().message, usage);
}

std::string command_error(const std::vector<const char*>& words) {
  const Result<Options> options = parse_options(words);
  return options ? "(accepted)" : options.error().message;
}

TEST(Options, FirstWordSelectsTheCommand) {
  const std::vector<const char*> serve = {"serve", "--control", "/tmp/s"};
  const Result<Options> options = parse_options(serve);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->command, Command::Serve);
  EXPECT_EQ(options->control_path, "/tmp/s");
  const std::vector<const char*> help = {"--help"};
  ASSERT_TRUE(parse_options(help).ok());
  EXPECT_EQ(command_error({"serv", "--control", "/tmp/s"}),
            "unknown command 'serv'; did you mean serve?");
  EXPECT_EQ(command_error({"attach", "1"}), "command attach needs -p PID");
  EXPECT_EQ(command_error({"attach", "-p", "1"}), "(accepted)");
  // A program of that name is the second word.
  EXPECT_THAT(good({"run"}).program, ElementsAre("run"));
}

TEST(Options, TakesArgvAsMainHasIt) {
  std::string words[] = {"wc-tracerd", "run", "-a", "ls"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  const int argc = 4;
  const auto options = parse_options({argv + 1, argv + argc});
  ASSERT_TRUE(options.ok());
  EXPECT_TRUE(options->all_calls);
  EXPECT_THAT(options->program, ElementsAre("ls"));
}

TEST(Options, ServeNeedsASocketAndNoProgram) {
  EXPECT_EQ(command_error({"serve"}), "serve needs --control PATH");
  EXPECT_EQ(command_error({"serve", "--control", "/s", "ls"}),
            "serve takes no program, found 'ls'");
  EXPECT_EQ(command_error({"serve", "--control", "/s", "--connect", "/t"}),
            "serve takes no --connect");
}

TEST(Options, UnknownOptionNamesTheNearest) {
  EXPECT_EQ(bad({"--functons", "a", "p"}), "unknown option --functons; did you mean --functions?");
  EXPECT_EQ(bad({"--functons=a", "p"}), "unknown option --functons; did you mean --functions?");
  EXPECT_EQ(bad({"--func=a", "p"}), "unknown option --func; did you mean --functions?");
  EXPECT_EQ(bad({"--OUTPUT=a", "p"}), "unknown option --OUTPUT; did you mean --output?");
  EXPECT_EQ(bad({"-config", "a", "p"}), "unknown option -config; did you mean --config?");
  EXPECT_EQ(bad({"-list-functions"}),
            "unknown option -list-functions; did you mean --list-functions?");
  EXPECT_EQ(bad({"--xyzzy", "p"}), "unknown option --xyzzy; wc-preload --help lists the options");
  EXPECT_EQ(bad({"-aQ", "p"}), "unknown option -Q; wc-preload --help lists the options");
  EXPECT_EQ(bad({"---", "p"}), "unknown option ---; wc-preload --help lists the options");
  EXPECT_EQ(bad({"--=x", "p"}), "unknown option --; wc-preload --help lists the options");
}

TEST(Options, OptionsOfOtherToolsAreExplained) {
  EXPECT_THAT(bad({"-f", "p"}), AllOf(StartsWith("unknown option -f; "), HasSubstr("--no-follow")));
}

TEST(Options, MissingAndSuperfluousValues) {
  EXPECT_EQ(bad({"-F"}), "option -F/--functions needs a value");
  EXPECT_EQ(bad({"--output"}), "option -o/--output needs a value");
  EXPECT_EQ(bad({"-o", "-a", "p"}), "option -o/--output needs a value, found '-a'");
  EXPECT_EQ(bad({"-aF", "--", "p"}), "option -F/--functions needs a value, found '--'");
  EXPECT_EQ(bad({"--output=", "p"}), "option -o/--output: the value is empty");
  EXPECT_EQ(bad({"-F", "", "p"}), "option -F/--functions: the value is empty");
  EXPECT_EQ(bad({"-F", " ", "p"}), "option -F/--functions: the list is empty");
  EXPECT_EQ(bad({"-F", ",", "p"}), "option -F/--functions: the list is empty");
  EXPECT_EQ(bad({"--all-calls=yes", "p"}), "option -a/--all-calls takes no value");
}

TEST(Options, BadValuesNameOptionValueAndWhatIsValid) {
  EXPECT_EQ(bad({"-E", "ptrce", "p"}),
            "option -E/--engine: unknown value 'ptrce'; did you mean ptrace?");
  EXPECT_EQ(bad({"-g", "xxxxxx", "p"}),
            "option -g/--gate: unknown value 'xxxxxx'; valid: auto, socket, trap, dispatch");
  EXPECT_EQ(bad({"--scope=all", "p"}),
            "option --scope: unknown value 'all'; valid: functions, main, process");
  for (const char* number : {"x", "1x", "-1", "99999999999", "1048577", "0x10", " 1", "+1"}) {
    const std::string attached = std::string("--string-size=") + number;
    EXPECT_EQ(bad({attached.c_str(), "p"}), "option -s/--string-size: bad value '" +
                                                std::string(number) +
                                                "'; valid: a number from 0 to 1048576");
  }
  EXPECT_THAT(bad({"-s", "-1", "p"}), HasSubstr("bad value '-1'; valid: a number from 0"));
  EXPECT_EQ(good({"-s0", "p"}).string_size, 0u);
  EXPECT_EQ(good({"-s1048576", "p"}).string_size, 1048576u);
  EXPECT_THAT(bad({"-b", ":k=v", "p"}), HasSubstr("-b/--backend: no backend is named in ':k=v'"));
  EXPECT_THAT(bad({"-o", "|cat", "p"}), HasSubstr("-o/--output: output to a command"));
}

TEST(Options, SocketPathsFitSockaddrUn) {
  const std::string fits(107, 'x');
  const std::string too_long(108, 'x');
  EXPECT_EQ(good({"--connect", fits.c_str(), "p"}).connect_path, fits);
  EXPECT_THAT(bad({"--control", too_long.c_str(), "p"}), HasSubstr("at most 107"));
  EXPECT_THAT(bad({"--connect", too_long.c_str(), "p"}), HasSubstr("option --connect"));
}

TEST(Options, MessagesHoldNoControlBytesAndAreShort) {
  EXPECT_THAT(bad({"-E", "a\n\x1b[31mb", "p"}), HasSubstr("'a\\x0a\\x1b[31mb'"));
  const std::string huge(1 << 20, 'x');
  EXPECT_LT(bad({"-E", huge.c_str(), "p"}).size(), 200u);
  EXPECT_LT(bad({("--" + huge).c_str(), "p"}).size(), 200u);
}

struct Refused {
  std::vector<const char*> words;
  const char* beginning;
};

class RefusedOption : public testing::TestWithParam<Refused> {};

TEST_P(RefusedOption, IsNamedWithWhatToDoInstead) {
  const Result<Options> options = parse(GetParam().words);
  ASSERT_FALSE(options.ok());
  EXPECT_THAT(options.error().message,
              StartsWith(std::string(GetParam().beginning) + ": not available in this version; "));
  EXPECT_EQ(options.error().code, ENOTSUP);
}

INSTANTIATE_TEST_SUITE_P(Contract, RefusedOption,
                         testing::Values(Refused{{"-o", "!cat", "p"},
                                                 "option -o/--output: output to a command"}));

TEST(Options, RulesKeepTheirOrder) {
  const Options options = good({"--deny=connect", "-e", "inject=read:error=EIO", "-efault=write",
                                "--inject", "open@fopen:retval=3", "p"});
  ASSERT_EQ(options.rules.size(), 4U);
  EXPECT_EQ(options.rules[0].kind, RuleText::Kind::Deny);
  EXPECT_EQ(options.rules[1].text, "read:error=EIO");
  EXPECT_EQ(options.rules[2].kind, RuleText::Kind::Fault);
  EXPECT_EQ(options.functions, "@default,fopen") << "a rule's functions are wrapped";
  EXPECT_EQ(options.syscalls, "");
  EXPECT_EQ(good({"--scope=process", "--fault=read@Cache::load:when=2", "p"}).breakpoints,
            "Cache::load");
  EXPECT_EQ(good({"--scope=process", "--fault=read@fopen:when=2", "p"}).functions, "fopen");
  EXPECT_EQ(good({"-F", "open", "--fault=read", "p"}).functions, "open");
  EXPECT_EQ(good({"--deny=!read@fopen", "--deny=write@fopen,puts", "p"}).functions,
            "@default,fopen,puts")
      << "each once";
  EXPECT_EQ(good({"--deny=!read@::parse:if=fd=1", "p"}).breakpoints, "parse");
}

// All scopes are selected until one is named: a rule about one leaves the others.
TEST(Options, ScopesInRules) {
  EXPECT_EQ(good({"--deny=!read@scope:a:error=EIO", "p"}).functions, "@default");
  EXPECT_EQ(good({"-F", "scope:b", "--deny=!read@scope:a", "p"}).functions, "scope:b,scope:a");
  EXPECT_EQ(good({"--scope=process", "--deny=!read@scope:a,scope:b,!scope:c", "p"}).functions,
            "scope:a,scope:b");
}

TEST(Options, FullProcessMode) {
  const Options alone = good({"--scope=process", "p"});
  EXPECT_EQ(alone.scope, ScopeMode::Process);
  EXPECT_FALSE(alone.functions_given);
  EXPECT_TRUE(good({"--scope=process", "-F", "open", "p"}).functions_given);
}

TEST(Options, BreakpointsAreJoined) {
  const Options options = good({"-B", "hello1,hello2", "--breakpoints=hello3", "p"});
  EXPECT_EQ(options.breakpoints, "hello1,hello2,hello3");
  EXPECT_FALSE(options.functions_given);
  EXPECT_EQ(good({"--scope=main", "p"}).scope, ScopeMode::Main);
}

TEST(Options, RunningProcess) {
  EXPECT_THAT(good({"-p", "12"}).pids, ElementsAre(12));
  EXPECT_THAT(bad({"-p", "0"}), HasSubstr("0 is no process"));
  EXPECT_THAT(bad({"-p", "x"}), HasSubstr("bad value 'x'"));
  EXPECT_THAT(bad({"-p", "99999999"}), HasSubstr("a number from 1 to"));
  EXPECT_THAT(bad({"-p", "1", "ls"}), HasSubstr("found the program 'ls', too"));
  EXPECT_THAT(bad({"-p", "1", "-E", "inproc"}), HasSubstr("-E ptrace"));
}

TEST(Help, FitsATerminal) {
  std::istringstream lines(help_text());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  EXPECT_EQ(help_text().back(), '\n');
}

// What follows "Not yet available", where that stands there, up to the next empty line, and the
// text without it.
std::pair<std::string, std::string> split_help() {
  const std::string text = help_text();
  const std::size_t begin = text.find("Not yet available");
  if (begin == std::string::npos) return {"", text};
  const std::size_t end = text.find("\n\n", begin);
  return {text.substr(begin, end - begin), text.substr(0, begin) + text.substr(end)};
}

TEST(Help, NamesEveryOptionOnceInTheRightPlace) {
  const auto [refused, offered] = split_help();
  for (const OptionRow& row : option_rows()) {
    const std::string name =
        row.name.empty() ? std::string("-") + row.letter : "--" + std::string(row.name);
    const bool is_refused = refusal(row.key).has_value();
    EXPECT_THAT(is_refused ? refused : offered, HasSubstr(name));
    if (is_refused && !row.name.empty()) {
      EXPECT_THAT(offered, Not(HasSubstr(name)));
    }
    if (row.letter != 0 && !row.name.empty()) {
      const std::string pair = std::string("-") + row.letter + (is_refused ? "/" : ", ") + name;
      EXPECT_THAT(is_refused ? refused : offered, HasSubstr(pair));
    }
  }
  EXPECT_THAT(refused, Not(HasSubstr("bpf")));
}

TEST(Help, TellsExitStatusesAndExamples) {
  for (const char* word : {"125", "126", "127", "same signal", "Examples:\n  wc-preload"}) {
    EXPECT_THAT(help_text(), HasSubstr(word));
  }
}

TEST(Help, ExamplesAreAccepted) {
  const std::string text = help_text();
  std::istringstream lines(text.substr(text.find("Examples:\n") + 10));
  int examples = 0;
  for (std::string line; std::getline(lines, line); ++examples) {
    std::vector<std::string> words;
    for (const std::string_view word : split_words(line, " ")) words.emplace_back(word);
    ASSERT_EQ(words[0], "wc-preload");
    std::vector<const char*> arguments;
    for (std::size_t i = 1; i < words.size(); ++i) arguments.push_back(words[i].c_str());
    const Options options = good(arguments);
    EXPECT_TRUE(!options.program.empty() || !options.pids.empty()) << line;
  }
  EXPECT_GE(examples, 3);
}

TEST(Version, IsOneLine) {
  EXPECT_THAT(version_text(), StartsWith("wc-preload "));
  EXPECT_EQ(version_text().find('\n'), version_text().size() - 1);
}

TEST(Words, ClosestPrefersFewEditsAndNeverAStranger) {
  const std::vector<std::string_view> names = {"every", "engine", "gate"};
  EXPECT_EQ(closest_word("egnine", names), "engine");
  EXPECT_EQ(closest_word("GATE", names), "gate");
  EXPECT_EQ(closest_word("eng", names), "engine");
  EXPECT_EQ(closest_word("output", names), "");
  EXPECT_EQ(closest_word("", names), "");
  EXPECT_EQ(closest_word("x", std::vector<std::string_view>{"y"}), "");
}

}  // namespace
}  // namespace wc::config
