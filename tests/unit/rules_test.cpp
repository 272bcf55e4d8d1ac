// The grammar of rules, and which one applies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "rules/rule_set.h"
#include "rules/rule_words.h"

namespace wc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Rule good(std::string_view text, RuleKind kind = RuleKind::Inject) {
  auto rule = parse_rule(kind, text);
  EXPECT_TRUE(rule.ok()) << text << ": " << (rule.ok() ? "" : rule.error().message);
  return rule.ok() ? *rule : Rule();
}

std::string bad(std::string_view text, RuleKind kind = RuleKind::Inject) {
  auto rule = parse_rule(kind, text);
  EXPECT_FALSE(rule.ok()) << text;
  return rule.ok() ? "" : rule.error().message;
}

TEST(RuleWords, ColonsSeparateUnlessTheyBelongToANameOrAreQuoted) {
  EXPECT_THAT(split_rule("read@Cache::load:error=EIO"),
              ElementsAre("read@Cache::load", "error=EIO"));
  EXPECT_THAT(split_rule("open:arg1=\"a:b\":when=2"),
              ElementsAre("open", "arg1=\"a:b\"", "when=2"));
  EXPECT_THAT(split_rule("!read@scope:a,!scope:b?c,f:from=@scope:error=EIO"),
              ElementsAre("!read@scope:a,!scope:b?c,f", "from=@scope", "error=EIO"));
  EXPECT_THAT(split_rule("read@noscope:error=EIO"), ElementsAre("read@noscope", "error=EIO"));
  EXPECT_THAT(split_rule("read@::f:error=EIO"), ElementsAre("read@::f", "error=EIO"));
}

TEST(RuleWords, WhenIsStraces) {
  auto holds = [](std::string_view text) {
    std::vector<uint64_t> counts;
    const auto when = parse_when(text);
    EXPECT_TRUE(when.ok()) << text;
    for (uint64_t count = 1; count <= 10; count++)
      if (when.ok() && when->holds(count)) counts.push_back(count);
    return counts;
  };
  EXPECT_THAT(holds("3"), ElementsAre(3));
  EXPECT_THAT(holds("8+"), ElementsAre(8, 9, 10));
  EXPECT_THAT(holds("2+3"), ElementsAre(2, 5, 8));
  EXPECT_THAT(holds("2..4"), ElementsAre(2, 3, 4));
  for (const char* wrong : {"", "0", "x", "3+0", "4..2", "1..", "+2", "1-2"})
    EXPECT_FALSE(parse_when(wrong).ok()) << wrong;
}

TEST(RuleWords, TimesHaveUnits) {
  EXPECT_EQ(*parse_duration("5"), 5000u);
  EXPECT_EQ(*parse_duration("5ns"), 5u);
  EXPECT_EQ(*parse_duration("5us"), 5000u);
  EXPECT_EQ(*parse_duration("5ms"), 5'000'000u);
  EXPECT_EQ(*parse_duration("5s"), 5'000'000'000u);
  for (const char* wrong : {"", "s", "5m", "-5", "99999999999999999999"})
    EXPECT_FALSE(parse_duration(wrong).ok()) << wrong;
}

TEST(RuleWords, PokesAreHexadecimalBytes) {
  const auto pokes = parse_pokes("@arg1=00fF,@arg6=41");
  ASSERT_TRUE(pokes.ok());
  ASSERT_EQ(pokes->size(), 2u);
  EXPECT_EQ((*pokes)[0].argument, 0);
  EXPECT_THAT((*pokes)[0].bytes, ElementsAre(0, 255));
  EXPECT_EQ((*pokes)[1].argument, 5);
  for (const char* wrong : {"", "@arg0=00", "@arg7=00", "@arg1=0", "@arg1=", "@arg1=0g", "arg1=00"})
    EXPECT_FALSE(parse_pokes(wrong).ok()) << wrong;
}

TEST(Rule, ActionsAreRead) {
  const Rule rule = good(
      "read,write:retval=-3:signal=USR1:delay_enter=1ms:delay_exit=2:short=10:corrupt=2:arg2=0x10:"
      "when=2+:count=run");
  EXPECT_TRUE(rule.syscalls[SYS_read] && rule.syscalls[SYS_write] && !rule.syscalls[SYS_open]);
  EXPECT_EQ(rule.action.result, -3);
  EXPECT_EQ(rule.action.signal, SIGUSR1);
  EXPECT_EQ(rule.action.delay_enter, 1'000'000u);
  EXPECT_EQ(rule.action.delay_exit, 2000u);
  EXPECT_EQ(rule.action.most, 10u);
  EXPECT_EQ(rule.action.corrupt, 2u);
  EXPECT_EQ(rule.action.words[1], 0x10u);
  EXPECT_EQ(rule.counted_by, CountedBy::Run);
  EXPECT_EQ(good("open:arg1=\"/a:b\"").action.strings[0], "/a:b");
  EXPECT_EQ(good("read:error=5").action.result, -EIO);
  EXPECT_EQ(good("read:error=EIO:syscall=getpid").action.syscall, uint32_t{SYS_getpid});
}

TEST(Rule, FaultAndDenyHaveErrorsOfTheirOwn) {
  EXPECT_EQ(good("read", RuleKind::Fault).action.result, -ENOSYS);
  EXPECT_EQ(good("read", RuleKind::Deny).action.result, -EPERM);
  EXPECT_EQ(good("read", RuleKind::Deny).action_text, "error=EPERM");
  EXPECT_EQ(good("read:error=EIO", RuleKind::Deny).action.result, -EIO);
  const Rule all_but = good("!read,write", RuleKind::Deny);
  EXPECT_TRUE(all_but.syscalls[SYS_open] && !all_but.syscalls[SYS_read]);
}

TEST(Rule, PlacesAreRead) {
  EXPECT_EQ(good("read@@stdio:error=EIO").functions.at(0).text, "@stdio");
  const Rule method = good("read@Cache::load,fopen:error=EIO");
  EXPECT_THAT(method.methods, ElementsAre("Cache::load"));
  EXPECT_EQ(method.functions.at(0).pattern, "fopen");
  EXPECT_THAT(good("read@::parse:error=EIO").methods, ElementsAre("parse"))
      << "a function of the program";
  const Rule scope = good("read@scope:parse*,!scope:parse?x:error=EIO");
  EXPECT_TRUE(selects_scope(scope.functions, "parse y"));
  EXPECT_FALSE(selects_scope(scope.functions, "parse x"));
  const Rule from = good("connect:from=@libfoo.so:error=EACCES");
  EXPECT_EQ(from.from_symbol, "");
  EXPECT_EQ(from.from_object, "libfoo.so");
}

TEST(Rule, WhatIsWrongIsNamed) {
  EXPECT_THAT(bad("nosuch:error=EIO"), HasSubstr("unknown syscall 'nosuch'"));
  EXPECT_THAT(bad("read"), HasSubstr("an action is missing"));
  EXPECT_THAT(bad("read:error=EFOO"), HasSubstr("'EFOO' is no error"));
  EXPECT_THAT(bad("read:eror=EIO"), HasSubstr("unknown part 'eror='"));
  EXPECT_THAT(bad("read:error=EIO:retval=0"), HasSubstr("exclude each other"));
  EXPECT_THAT(bad("read:error=EIO:when=0"), HasSubstr("FIRST"));
  EXPECT_THAT(bad("read:error=EIO:p=2"), HasSubstr("from 0 to 1"));
  EXPECT_THAT(bad("read:error=EIO:if=arg9==1"), HasSubstr("no condition"));
  EXPECT_THAT(bad("read@:error=EIO"), HasSubstr("no function"));
  EXPECT_THAT(bad("", RuleKind::Deny), HasSubstr("--deny ''"));
  const auto in_file = parse_rule(RuleKind::Deny, "reed", "a.ini:3: [policy] deny");
  ASSERT_FALSE(in_file.ok());
  EXPECT_EQ(in_file.error().message,
            "a.ini:3: [policy] deny 'reed': unknown syscall 'reed'; did you mean 'read'?");
}

class Chosen {
 public:
  explicit Chosen(std::vector<Rule> rules) : set_(std::move(rules)) {}
  std::optional<size_t> operator()(uint32_t nr, uint64_t first = 0) {
    const std::array<uint64_t, 6> args = {first};
    const RuleQuestions questions{.is_inside = [](const Rule&) { return true; },
                                  .is_from = [](const Rule&) { return true; },
                                  .has_path = [](const std::string&) { return true; },
                                  .descriptor = [first] { return std::optional(first); },
                                  .size = [] { return std::optional<uint64_t>(7); }};
    return set_.choose(nr, args, questions, {&thread_, &process_});
  }
  RuleSet& set() { return set_; }
  void next_thread() { thread_.clear(); }

 private:
  RuleSet set_;
  RuleCounts thread_, process_;
};

TEST(RuleSet, TheFirstThatHoldsActs) {
  Chosen chosen({good("read:error=EIO:when=2"), good("read:error=EACCES:if=fd=5"),
                 good("read,write:retval=0:if=arg1==9")});
  EXPECT_EQ(chosen(SYS_read, 5), 1u) << "the first's second call has not come";
  EXPECT_EQ(chosen(SYS_read, 5), 0u);
  EXPECT_EQ(chosen(SYS_read, 9), 2u);
  EXPECT_EQ(chosen(SYS_write, 9), 2u);
  EXPECT_EQ(chosen(SYS_write, 8), std::nullopt);
  EXPECT_EQ(chosen(SYS_open, 9), std::nullopt);
  EXPECT_THAT(chosen.set().last_words(false), ::testing::IsEmpty());
}

TEST(RuleSet, CountsByThreadAndSyscallUnlessToldOtherwise) {
  Chosen by_thread({good("read,write:error=EIO:when=2")});
  EXPECT_EQ(by_thread(SYS_read), std::nullopt);
  EXPECT_EQ(by_thread(SYS_write), std::nullopt) << "each syscall has its own count";
  EXPECT_EQ(by_thread(SYS_read), 0u);
  by_thread.next_thread();
  EXPECT_EQ(by_thread(SYS_write), std::nullopt);
  Chosen by_run({good("read:error=EIO:when=2:count=run")});
  EXPECT_EQ(by_run(SYS_read), std::nullopt);
  by_run.next_thread();
  EXPECT_EQ(by_run(SYS_read), 0u);
}

TEST(RuleSet, ASeedRepeatsItself) {
  auto run = [](std::string_view text) {
    Chosen chosen({good(text)});
    std::vector<bool> hits;
    for (int i = 0; i < 1000; i++) hits.push_back(chosen(SYS_read).has_value());
    return hits;
  };
  const auto first = run("read:error=EIO:p=0.25,seed=7");
  EXPECT_EQ(first, run("read:error=EIO:p=0.25,seed=7"));
  EXPECT_NE(first, run("read:error=EIO:p=0.25,seed=8"));
  const auto count = std::count(first.begin(), first.end(), true);
  EXPECT_GT(count, 180);
  EXPECT_LT(count, 320);
}

TEST(RuleSet, NamesRulesThatNeverApplied) {
  Chosen chosen({good("read:error=EIO:when=5")});
  chosen(SYS_read);
  EXPECT_THAT(chosen.set().last_words(false),
              ElementsAre("rule 'read:error=EIO:when=5' never applied"));
}

TEST(RuleSet, AnAllowListThatDeniedNothingIsNoMistake) {
  Chosen chosen({good("!read@fopen", RuleKind::Deny), good("connect", RuleKind::Deny)});
  EXPECT_THAT(chosen.set().last_words(false), ElementsAre("rule 'connect' never applied"));
  EXPECT_THAT(chosen.set().last_words(true), testing::SizeIs(2));
}

// Nothing is read beyond the text, and whatever is accepted has something to do.
TEST(Rule, HostileTextsAreRefusedOrMakeSense) {
  const std::string letters = "@:=,!\"0x+.-|readwte oIE%/*p";
  uint64_t state = 1;
  for (int i = 0; i < 20'000; i++) {
    std::string text;
    for (uint64_t n = (state >> 40) % 24; n > 0; n--) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text += letters[(state >> 33) % letters.size()];
    }
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto rule = parse_rule(RuleKind::Inject, text);
    EXPECT_TRUE(!rule.ok() || !rule->action_text.empty()) << text;
  }
}

}  // namespace
}  // namespace wc
