// --compare and what goes with it: values, what excludes what, what the compared runs are given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/options.h"

namespace wc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Options> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "run");
  return parse_options(words);
}

CompareOptions good(const std::vector<const char*>& words) {
  const Result<Options> options = parse(words);
  if (options) return options->compare;
  ADD_FAILURE() << options.error().message;
  return {};
}

std::string bad(const std::vector<const char*>& words) {
  const Result<Options> options = parse(words);
  if (options) return "(accepted)";
  EXPECT_EQ(options.error().message.find('\n'), std::string::npos) << options.error().message;
  return options.error().message;
}

TEST(CompareOptions, IsNotAskedForByDefault) { EXPECT_FALSE(good({"p"}).asked); }

TEST(CompareOptions, RunsAreFiveUnlessGiven) {
  EXPECT_TRUE(good({"--compare", "p"}).asked);
  EXPECT_EQ(good({"--compare", "p"}).runs, 5);
  EXPECT_EQ(good({"--compare=12", "p"}).runs, 12);
  // An optional value is attached: the next word is the program.
  EXPECT_THAT(parse({"--compare", "12"})->program, ElementsAre("12"));
}

TEST(CompareOptions, RunsAreANumberInReach) {
  for (const char* runs : {"--compare=0", "--compare=x", "--compare=-1", "--compare=1001"}) {
    EXPECT_THAT(bad({runs, "p"}), AllOf(HasSubstr("--compare"), HasSubstr("from 1 to 1000")));
  }
}

TEST(CompareOptions, OutputIsChosenByItsEnding) {
  EXPECT_THAT(
      good({"--compare", "--compare-output", "a.json", "--compare-output=b.svg", "p"}).outputs,
      ElementsAre("a.json", "b.svg"));
  EXPECT_THAT(bad({"--compare", "--compare-output=a.png", "p"}),
              AllOf(HasSubstr("'a.png'"), HasSubstr(".svg or .html")));
}

TEST(CompareOptions, LimitsAreSecondsForOneAndForAll) {
  EXPECT_EQ(good({"--compare", "p"}).total_limit, 600);
  EXPECT_EQ(good({"--compare", "--compare-limit=2.5", "p"}).run_limit, 2.5);
  const CompareOptions both = good({"--compare", "--compare-limit=3,40", "p"});
  EXPECT_EQ(both.run_limit, 3);
  EXPECT_EQ(both.total_limit, 40);
  for (const char* limit : {"--compare-limit=x", "--compare-limit=0", "--compare-limit=-1",
                            "--compare-limit=3,", "--compare-limit=3,x", "--compare-limit=inf"}) {
    EXPECT_THAT(bad({"--compare", limit, "p"}), HasSubstr("valid: SECONDS"));
  }
}

TEST(CompareOptions, FigureSaysWhatIsBetter) {
  EXPECT_FALSE(good({"--compare", "--compare-figure=([0-9]+) ops", "p"}).less_is_better);
  const CompareOptions less = good({"--compare", "--compare-figure=less:took ([0-9]+)", "p"});
  EXPECT_TRUE(less.less_is_better);
  EXPECT_EQ(less.figure, "took ([0-9]+)");
  EXPECT_EQ(good({"--compare", "--compare-figure=more:less:(.)", "p"}).figure, "less:(.)");
  EXPECT_THAT(bad({"--compare", "--compare-figure=less:", "p"}), HasSubstr("empty"));
}

TEST(CompareOptions, TheRestIsHandedOnToTheTracedRuns) {
  const CompareOptions compare =
      good({"--compare", "-F", "@net,!close", "-e%file", "-a", "-s", "100", "-tt", "-y",
            "--no-follow", "--compare-load=true", "p"});
  EXPECT_THAT(
      compare.handed_on,
      ElementsAre("--functions=@net,!close", "--syscalls=%file", "--all-calls", "--string-size=100",
                  "--absolute-timestamps", "--absolute-timestamps", "--decode-fds", "--no-follow"));
}

TEST(CompareOptions, WhatRowsDifferInIsNotHandedOn) {
  const Result<Options> options =
      parse({"--compare", "-E", "ptrace", "-g", "trap", "-b", "json", "-c", "-v", "p"});
  ASSERT_TRUE(options.ok());
  EXPECT_THAT(options->compare.handed_on, IsEmpty());
  EXPECT_EQ(options->engine, EngineChoice::Ptrace);
  EXPECT_EQ(options->gate, GateChoice::Trap);
  EXPECT_THAT(options->backends, ElementsAre("json", "summary"));
}

TEST(CompareOptions, WhatMakesNoSenseBesideItIsRefused) {
  EXPECT_THAT(bad({"--compare", "-o", "f", "p"}),
              AllOf(HasSubstr("-o/--output"), HasSubstr("--compare-output")));
  EXPECT_THAT(bad({"--compare", "--scope=process", "p"}), HasSubstr("exclude each other"));
  EXPECT_THAT(bad({"--connect", "s", "--compare", "p"}), HasSubstr("exclude each other"));
  EXPECT_THAT(bad({"--control", "s", "--compare", "p"}), HasSubstr("exclude each other"));
  EXPECT_THAT(bad({"--compare", "--list-syscalls"}), HasSubstr("program to run"));
  EXPECT_THAT(bad({"--compare"}), HasSubstr("no program"));
}

TEST(CompareOptions, WhatGoesWithItNeedsIt) {
  for (const char* option : {"--compare-output=a.svg", "--compare-load=x", "--compare-limit=3",
                             "--compare-figure=(.)"}) {
    EXPECT_THAT(bad({option, "p"}), HasSubstr("needs --compare"));
  }
  EXPECT_THAT(bad({"--compare", "--compare-ready=true", "p"}), HasSubstr("needs --compare-load"));
}

TEST(MeasureCommand, TakesOnePlan) {
  const char* const one[] = {"measure", "plan.json"};
  const Result<Options> options = parse_options(one);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->command, Command::Measure);
  const char* const none[] = {"measure"};
  EXPECT_FALSE(parse_options(none).ok());
}

}  // namespace
}  // namespace wc
