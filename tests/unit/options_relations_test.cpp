// Nothing that is given is ignored in silence: all pairs of options, by the option table.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "builtin.h"
#include "config/relations.h"
#include "config/tables.h"
#include "options_words.h"

namespace wc::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// One use of each option, other than what holds without it.
const std::map<Key, Words> kSamples = {
    {Key::Functions, {"-F", "open"}},
    {Key::Breakpoints, {"-B", "f"}},
    {Key::Syscalls, {"-e", "read"}},
    {Key::Path, {"-P", "/etc/*"}},
    {Key::Successful, {"-z"}},
    {Key::Failed, {"-Z"}},
    {Key::StatusSet, {"--status=unfinished"}},
    {Key::Engine, {"-E", "auto"}},
    {Key::Gate, {"-g", "trap"}},
    {Key::Scope, {"--scope=process"}},
    {Key::Backend, {"-b", "json"}},
    {Key::Output, {"-o", "out"}},
    {Key::Append, {"-A"}},
    {Key::Separately, {"-ff"}},
    {Key::Summary, {"-c"}},
    {Key::SummaryToo, {"-C"}},
    {Key::AllCalls, {"-a"}},
    {Key::StringSize, {"-s", "7"}},
    {Key::StackTrace, {"-k"}},
    {Key::StackDepth, {"--stack-depth=3"}},
    {Key::Frames, {"--frames=python"}},
    {Key::Color, {"--color=always"}},
    {Key::Inject, {"--inject=read:error=EIO"}},
    {Key::Deny, {"--deny=connect"}},
    {Key::Fault, {"--fault=read"}},
    {Key::Explore, {"--explore=EIO"}},
    {Key::Time, {"-t"}},
    {Key::RelativeTime, {"-r"}},
    {Key::Duration, {"-T"}},
    {Key::Paths, {"-y"}},
    {Key::Quiet, {"-q"}},
    {Key::Signals, {"--signals=none"}},
    {Key::User, {"-u", "nobody"}},
    {Key::Objects, {"--objects"}},
    {Key::Compare, {"--compare"}},
    {Key::CompareOutput, {"--compare-output=a.svg"}},
    {Key::CompareLoad, {"--compare-load=x"}},
    {Key::CompareReady, {"--compare-ready=x"}},
    {Key::CompareFigure, {"--compare-figure=(.)"}},
    {Key::CompareLimit, {"--compare-limit=3"}},
    {Key::Flight, {"--flight=9"}},
    {Key::FlightOn, {"--flight-on=rule"}},
    {Key::Record, {"--record=x"}},
    {Key::Replay, {"--replay=f"}},
    {Key::Sysroot, {"--sysroot=/"}},
    {Key::Threshold, {"--threshold=5%"}},
    {Key::Diff, {"--diff", "a", "b"}},
    {Key::Overflow, {"--overflow=drop"}},
    {Key::Patch, {"--patch=libz*"}},
    {Key::Pid, {"-p", "4711"}},
    {Key::NoFollow, {"--no-follow"}},
    {Key::Control, {"--control", "/s"}},
    {Key::Prepare, {"--prepare", "open"}},
    {Key::Every, {"--every", "10"}},
    {Key::Rate, {"--rate", "100@open"}},
    {Key::First, {"--first", "5"}},
    {Key::Expect, {"--expect", "read == 1"}},
    {Key::ExpectJunit, {"--expect-junit=r.xml"}},
    {Key::Connect, {"--connect", "/c"}},
    {Key::Verbose, {"-v"}},
    {Key::ListFunctions, {"--list-functions", "@net"}},
    {Key::ListSyscalls, {"--list-syscalls", "%file"}},
    {Key::ListClasses, {"--list-classes"}},
};
const std::map<Key, Words>& samples() { return kSamples; }

// Their effect is not one of these options': help wins over everything, a file has its own.
const std::set<Key> kApart = {Key::Help, Key::Version, Key::Config};

// The first asks for what the second implies.
const std::set<std::pair<Key, Key>> kImplied = {{Key::StackTrace, Key::StackDepth},
                                                {Key::StackTrace, Key::Frames}};

bool takes_no_program(Key key) {
  return key == Key::Pid || key == Key::ListFunctions || key == Key::ListSyscalls ||
         key == Key::ListClasses || key == Key::Replay || key == Key::Diff;
}

Words joined(const std::vector<Key>& keys) {
  Words words;
  bool is_alone = false;
  for (const Key key : keys) {
    const Words& sample = samples().at(key);
    words.insert(words.end(), sample.begin(), sample.end());
    is_alone = is_alone || takes_no_program(key);
  }
  if (!is_alone) words.emplace_back("prog");
  return words;
}

// "-t" and "--absolute-timestamps" of an option.
bool names(const std::string& text, Key key) {
  const OptionRow& row = *find_option(key);
  const std::string letter = std::string("-") + row.letter;
  const bool is_named = !row.name.empty() && text.find("--" + std::string(row.name)) != text.npos;
  return is_named || (row.letter != 0 && text.find(letter) != text.npos);
}

bool any_names(const std::vector<std::string>& texts, Key key) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return names(text, key); });
}

TEST(Relations, EveryOptionThatIsThereHasASample) {
  for (const OptionRow& row : option_rows()) {
    if (refusal(row.key) || kApart.contains(row.key)) continue;
    EXPECT_TRUE(samples().contains(row.key)) << spelling(row);
  }
}

TEST(Relations, OfTwoOptionsNeitherIsIgnoredInSilence) {
  for (const auto& [first, first_words] : samples()) {
    for (const auto& [second, second_words] : samples()) {
      if (first == second || kImplied.contains({first, second})) continue;
      const std::string what = testing::PrintToString(joined({first, second}));
      const Result<Options> both = parse_words(joined({first, second}));
      if (!both) {
        const std::string& error = both.error().message;
        EXPECT_TRUE(names(error, first) || names(error, second)) << what << ": " << error;
        continue;
      }
      if (any_names(both->warnings, first)) continue;
      const Result<Options> alone = parse_words(joined({second}));
      if (!alone) continue;
      EXPECT_NE(fingerprint(*both), fingerprint(*alone)) << what;
    }
  }
}

TEST(Relations, ServeTakesWhatItCanDoAndNothingElse) {
  for (const auto& [key, words] : samples()) {
    if (key == Key::Control) continue;
    Words line = {"--control", "/s"};
    line.insert(line.end(), words.begin(), words.end());
    const Result<Options> options = parse_words(line, "serve");
    if (goes_with(key, Occasion::Serve)) {
      EXPECT_TRUE(options.ok()) << testing::PrintToString(line) << options.error().message;
    } else {
      EXPECT_FALSE(options.ok()) << testing::PrintToString(line);
    }
  }
}

TEST(Relations, ConnectTakesNothingThatTheTracerDecides) {
  for (const auto& [key, words] : samples()) {
    if (key == Key::Connect || key == Key::Verbose) continue;
    EXPECT_FALSE(parse_words(joined({key, Key::Connect})).ok()) << testing::PrintToString(words);
  }
  EXPECT_THAT(bad_words({"--connect", "/s", "-F", "open", "p"}),
              HasSubstr("option -F/--functions has no effect with --connect: the tracer that "
                        "serves there has options of its own"));
  EXPECT_TRUE(parse_words({"--connect", "/s", "-v", "p"}).ok());
}

// What has an effect with which backend: text, json, summary, folded, none.
const std::map<Key, std::string>& effects() {
  static const std::map<Key, std::string> kEffects = {
      {Key::Syscalls, "11110"},     {Key::Path, "11110"},       {Key::Successful, "11110"},
      {Key::Failed, "11110"},       {Key::StatusSet, "11110"},  {Key::AllCalls, "11100"},
      {Key::StringSize, "11000"},   {Key::StackTrace, "11010"}, {Key::StackDepth, "11010"},
      {Key::Frames, "11010"},       {Key::Color, "10000"},      {Key::Time, "10000"},
      {Key::RelativeTime, "10000"}, {Key::Duration, "10000"},   {Key::Paths, "11000"},
      {Key::Quiet, "11000"},        {Key::Signals, "11000"},    {Key::Objects, "11000"},
  };
  return kEffects;
}

// Those that are no backend's business. A new option belongs here or there.
const std::set<Key> kOfNoBackend = {
    Key::Explore,      Key::Every,         Key::Rate,        Key::First,         Key::Prepare,
    Key::Functions,    Key::Breakpoints,   Key::Engine,      Key::Gate,          Key::Scope,
    Key::Backend,      Key::Output,        Key::Append,      Key::Separately,    Key::Summary,
    Key::Inject,       Key::Deny,          Key::Fault,       Key::SummaryToo,    Key::User,
    Key::Compare,      Key::CompareOutput, Key::CompareLoad, Key::CompareReady,  Key::CompareFigure,
    Key::CompareLimit, Key::Overflow,      Key::Patch,       Key::Pid,           Key::NoFollow,
    Key::Control,      Key::Connect,       Key::Verbose,     Key::ListFunctions, Key::ListSyscalls,
    Key::ListClasses,  Key::Expect,        Key::ExpectJunit, Key::Flight,        Key::FlightOn,
    Key::Record,       Key::Replay,        Key::Sysroot,     Key::Threshold,     Key::Diff};

TEST(Relations, EveryBuiltinBackendIsJudged) {
  for (const std::string_view name : backends::builtin_names())
    EXPECT_THAT(judged_backends(), testing::Contains(name));
}

TEST(Relations, WhatABackendDoesNotShowIsWarnedAbout) {
  const std::vector<std::string> backends = {"text", "json", "summary", "folded", "none"};
  for (const auto& [key, words] : samples()) {
    const auto row = effects().find(key);
    EXPECT_NE(row != effects().end(), kOfNoBackend.contains(key)) << testing::PrintToString(words);
    if (row == effects().end()) continue;
    for (std::size_t i = 0; i < backends.size(); ++i) {
      Words line = joined({key});
      line.insert(line.begin(), {"-b", backends[i]});
      const bool is_silent = !any_names(good_words(line).warnings, key);
      EXPECT_EQ(is_silent, row->second[i] == '1') << testing::PrintToString(line);
      line.insert(line.begin(), {"-b", "./own.so"});  // which may show anything
      EXPECT_THAT(good_words(line).warnings, IsEmpty()) << testing::PrintToString(line);
    }
  }
}

TEST(Relations, APolicyIsLearntFromAllThatIsMade) {
  for (const Words& words :
       {Words{"-e", "read"}, Words{"-P", "/etc"}, Words{"-Z"}, Words{"--status=failed"},
        Words{"--scope=main"}, Words{"--every", "10"}, Words{"--first", "3@open"}}) {
    Words line = words;
    line.insert(line.end(), {"-b", "policy:by=library", "p"});
    EXPECT_THAT(bad_words(line), HasSubstr("-b policy would deny"));
    line[line.size() - 2] = "text";
    EXPECT_THAT(good_words(line).warnings, IsEmpty());
  }
  EXPECT_THAT(good_words({"-b", "policy", "-b", "text", "--deny=read", "p"}).warnings, IsEmpty());
}

TEST(Relations, ALedgerAndClaimsAreAboutAllOfARun) {
  for (const Words& words : {Words{"-P", "/etc"}, Words{"-Z"}, Words{"--rate", "10"}}) {
    Words ledger = words, claim = words;
    ledger.insert(ledger.end(), {"-b", "ledger", "p"});
    EXPECT_THAT(bad_words(ledger), HasSubstr("-b ledger would not know"));
    claim.insert(claim.end(), {"--expect", "read == 1", "p"});
    EXPECT_THAT(bad_words(claim), HasSubstr("--expect"));
  }
  EXPECT_THAT(good_words({"--expect", "read == 1", "--expect-junit=x", "-b", "none", "p"}).warnings,
              IsEmpty());
  EXPECT_THAT(good_words({"--expect", "read == 1", "--control=/s", "p"}).warnings,
              testing::ElementsAre(HasSubstr("is not counted")));
  EXPECT_EQ(good_words({"--expect", "read@fopen,::f,A::g,!close == 1", "-B", "h", "p"}).functions,
            "fopen,!close");
  EXPECT_EQ(good_words({"--expect", "calls::f <= 1", "-B", "h", "p"}).breakpoints, "h,f");
  EXPECT_EQ(good_words({"--expect", "read@h <= 1", "-B", "h", "p"}).functions_given, false);
}

struct Useless {
  Words words;
  const char* about;
};

class UselessOption : public testing::TestWithParam<Useless> {};

TEST_P(UselessOption, IsWarnedAbout) {
  Words words = GetParam().words;
  if (words[0] != "-p") words.emplace_back("p");
  const Options options = good_words(words);
  EXPECT_THAT(options.warnings, testing::Contains(HasSubstr(GetParam().about)));
  for (const std::string& warning : options.warnings)
    EXPECT_EQ(warning.find('\n'), warning.npos) << warning;
}

INSTANTIATE_TEST_SUITE_P(
    Pairs, UselessOption,
    testing::Values(Useless{{"-c", "-t"}, "-t/--absolute-timestamps has no effect without -b text"},
                    Useless{{"-c", "-k"}, "-k/--stack-trace"}, Useless{{"-c", "-s9"}, "-s/"},
                    Useless{{"-c", "-y"}, "-y/"}, Useless{{"-c", "-T"}, "-T/"},
                    Useless{{"-c", "-q"}, "-q/"}, Useless{{"-c", "--objects"}, "--objects"},
                    Useless{{"-b", "folded", "-a"}, "-a/"}, Useless{{"-b", "json", "-r"}, "-r/"},
                    Useless{{"-b", "none", "-Z"}, "-Z/"}, Useless{{"-b", "none", "-P/etc"}, "-P/"},
                    Useless{{"--patch=x"}, "--patch has no effect without -E inproc or -E auto"},
                    Useless{{"--overflow=drop"}, "--overflow"},
                    Useless{{"-A"}, "-A/--output-append-mode has no effect without -o FILE"},
                    Useless{{"-ff"}, "-ff/--output-separately"},
                    Useless{{"-g", "trap", "--scope=process"}, "-g/--gate"},
                    Useless{{"-g", "trap", "-B", "f"}, "-g/--gate"},
                    Useless{{"-z", "-Z"}, "the last one holds"},
                    Useless{{"-o", "a", "-o", "b"}, "-o/--output given twice: 'b' holds"},
                    Useless{{"--scope=main", "--scope=process"}, "--scope given twice"},
                    Useless{{"--compare", "-q"}, "-q/--quiet has no effect with --compare"}));

TEST(Relations, WhatHasAnEffectIsNotWarnedAbout) {
  for (const Words& words :
       {Words{"-C", "-t", "-k", "-y", "p"}, Words{"-c", "-a", "-z", "-P", "/etc", "p"},
        Words{"-b", "folded", "-k", "p"}, Words{"-b", "./own.so", "-t", "-k", "-a", "p"},
        Words{"-E", "auto", "--overflow=drop", "--patch=x", "p"}, Words{"-A", "-o", "f", "p"},
        Words{"-ff", "-b", "json:output=f", "p"}, Words{"-q", "-p", "1", "-c"},
        Words{"-s", "32", "-c", "p"}, Words{"--scope=process", "-F", "open", "-a", "p"}})
    EXPECT_THAT(good_words(words).warnings, IsEmpty()) << testing::PrintToString(words);
}

TEST(Relations, EngineInprocIsRefusedWhatItCannotDo) {
  for (const Words& words : {Words{"-y"}, Words{"-P", "/etc"}, Words{"-B", "f"},
                             Words{"--scope=process"}, Words{"-g", "trap"}, Words{"--objects"}}) {
    Words line = words;
    line.insert(line.end(), {"-E", "inproc", "p"});
    EXPECT_THAT(bad_words(line), HasSubstr("engine inproc: ")) << testing::PrintToString(line);
    EXPECT_THAT(bad_words(line), HasSubstr("use -E ptrace"));
  }
}

TEST(Relations, EngineBpfIsRefusedWhatItCannotDo) {
  for (const Words& words : {Words{"-y"}, Words{"-P", "/etc"}, Words{"--scope=process"},
                             Words{"--scope=main"}, Words{"--objects"}, Words{"--deny=open"},
                             Words{"--every=2"}, Words{"-s", "5000"}, Words{"--control=/c"}}) {
    Words line = words;
    line.insert(line.end(), {"-E", "bpf", "p"});
    EXPECT_THAT(bad_words(line), HasSubstr("engine bpf: ")) << testing::PrintToString(line);
  }
  EXPECT_THAT(good_words({"-E", "bpf", "-B", "f", "-c", "p"}).warnings, IsEmpty());
  EXPECT_THAT(good_words({"-E", "bpf", "-g", "trap", "p"}).warnings, Not(IsEmpty()));
}

TEST(Relations, WhatIsPreparedIsSwitchedByControl) {
  const Result<Options> alone = parse_words({"--prepare", "open", "p"});
  ASSERT_TRUE(alone.ok());
  EXPECT_THAT(alone->warnings, testing::ElementsAre(HasSubstr("without --control PATH")));
  const Result<Options> both = parse_words({"--prepare", "open", "--control", "/s", "p"});
  ASSERT_TRUE(both.ok());
  EXPECT_THAT(both->warnings, testing::IsEmpty());
  EXPECT_EQ(both->prepared, "open");
}

}  // namespace
}  // namespace wc::config
