// The model of wc-top: samples, answers and keys in; rows, order, choice and effects out.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "top/model.h"

namespace wc::top {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kSecond = 1'000'000'000;

struct Fun {
  std::string name;
  uint64_t calls = 0, errors = 0, ns = 0;
};

Sample sample(uint64_t ts, const std::vector<Fun>& functions, uint64_t hidden = 0) {
  std::string rows;
  uint64_t calls = 0;
  for (const Fun& one : functions) {
    calls += one.calls;
    rows += fmt::format(
        R"({}{{"function":"{}","library":"libc.so.6","calls":{},"syscalls":{},"errors":{},"ns":{},)"
        R"("by_syscall":[{{"name":"read","count":{}}}],"avg_ns":5,"p99_ns":9}})",
        rows.empty() ? "" : ",", one.name, one.calls, one.calls, one.errors, one.ns, one.calls);
  }
  const std::string line = fmt::format(
      R"({{"type":"totals","ts":{},"processes":1,"threads":2,"events":7,"lost":0,"missed":0,)"
      R"("last":false,"function":{{"functions":[{}],"total":{{"calls":{},"syscalls":{},)"
      R"("errors":0,"ns":1}},"since":{},"hidden_rows":{}}}}})",
      ts, rows, calls, calls, kSecond, hidden);
  auto read = read_sample(line);
  EXPECT_TRUE(read.ok()) << line;
  return *read;
}

class TopModelTest : public testing::Test {
 protected:
  std::vector<Effect> type(std::string_view keys) {
    std::vector<Effect> effects;
    for (const char c : keys)
      for (Effect& one :
           model_.press(c == '\n' ? Key{KeyName::Enter, 0}
                                  : Key{KeyName::Character, static_cast<char32_t>(c)}))
        effects.push_back(std::move(one));
    return effects;
  }
  std::vector<Effect> press(KeyName name) { return model_.press({name, 0}); }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const RatedRow* row : model_.table().rows()) all.push_back(row->row.name);
    return all;
  }
  [[nodiscard]] std::string chosen() const {
    const RatedRow* row = model_.table().selected();
    return row != nullptr ? row->row.name : "";
  }
  [[nodiscard]] double rate(const std::string& name) const {
    for (const RatedRow* row : model_.table().rows())
      if (row->row.name == name) return row->rate.value_or(-1);
    return -2;
  }

  Model model_{"p", Whose::Own, 1000};
};

TEST_F(TopModelTest, RatesAreDifferencesByTime) {
  model_.take(sample(3 * kSecond, {{"read", 100, 0, 1}}));
  EXPECT_DOUBLE_EQ(rate("read"), 50);  // counted for two seconds
  model_.take(sample(3 * kSecond + kSecond / 2, {{"read", 160, 0, 1}, {"open", 5, 0, 1}}));
  EXPECT_DOUBLE_EQ(rate("read"), 120);
  EXPECT_DOUBLE_EQ(rate("open"), 10);
  EXPECT_DOUBLE_EQ(model_.table().rates().calls, 130);
}

TEST_F(TopModelTest, ARowThatMayHaveBeenHiddenHasNoRate) {
  model_.take(sample(2 * kSecond, {{"read", 100, 0, 1}}, 3));
  model_.take(sample(3 * kSecond, {{"read", 100, 0, 1}, {"open", 5000, 0, 1}}, 2));
  EXPECT_DOUBLE_EQ(rate("open"), -1);
  EXPECT_DOUBLE_EQ(rate("read"), 0);
}

TEST_F(TopModelTest, OrderAndItsKeys) {
  model_.take(sample(2 * kSecond, {{"a", 3, 1, 10}, {"b", 2, 9, 30}, {"c", 1, 5, 20}}));
  EXPECT_THAT(names(), ElementsAre("b", "c", "a"));
  type("<");
  EXPECT_EQ(model_.table().sort(), Column::Errors);
  EXPECT_THAT(names(), ElementsAre("b", "c", "a"));
  type("<<");
  EXPECT_THAT(names(), ElementsAre("a", "b", "c"));
  type("r");
  EXPECT_THAT(names(), ElementsAre("c", "b", "a"));
  type("r<<<<<<");
  EXPECT_EQ(model_.table().sort(), Column::Name);
  EXPECT_THAT(names(), ElementsAre("a", "b", "c"));
}

TEST_F(TopModelTest, TheChoiceStaysOnItsRow) {
  model_.take(sample(2 * kSecond, {{"a", 1, 0, 30}, {"b", 1, 0, 20}, {"c", 1, 0, 10}}));
  press(KeyName::Down);
  EXPECT_EQ(chosen(), "b");
  model_.take(sample(3 * kSecond, {{"a", 1, 0, 30}, {"b", 1, 0, 5}, {"c", 1, 0, 10}}));
  EXPECT_EQ(chosen(), "b");
  EXPECT_EQ(model_.table().selected_index(), 2U);
  model_.take(sample(4 * kSecond, {{"a", 1, 0, 30}}));  // gone
  EXPECT_EQ(chosen(), "a");
  model_.take(sample(5 * kSecond, {{"a", 1, 0, 30}, {"b", 1, 0, 5}}));
  EXPECT_EQ(chosen(), "b");
}

TEST_F(TopModelTest, WhoHasChosenNothingLooksAtTheFirst) {
  model_.take(sample(2 * kSecond, {{"a", 1, 0, 30}, {"b", 1, 0, 20}}));
  EXPECT_EQ(chosen(), "a");
  model_.take(sample(3 * kSecond, {{"a", 1, 0, 30}, {"b", 1, 0, 90}}));
  EXPECT_EQ(chosen(), "b");
}

TEST_F(TopModelTest, TheChoiceDoesNotLeaveTheTable) {
  press(KeyName::Down);  // there are no rows
  model_.take(sample(2 * kSecond, {{"a", 1, 0, 30}, {"b", 1, 0, 20}}));
  press(KeyName::End);
  EXPECT_EQ(chosen(), "b");
  press(KeyName::PageDown);
  EXPECT_EQ(chosen(), "b");
  press(KeyName::Home);
  press(KeyName::Up);
  EXPECT_EQ(chosen(), "a");
}

TEST_F(TopModelTest, FilterWhileItIsTyped) {
  model_.take(sample(2 * kSecond, {{"read", 1, 0, 30}, {"open", 1, 0, 20}, {"openat", 1, 0, 1}}));
  type("/OPE");
  EXPECT_THAT(names(), ElementsAre("open", "openat"));
  press(KeyName::Backspace);
  type("q");  // a letter here
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(chosen(), "");
  press(KeyName::Backspace);
  EXPECT_THAT(type("\n"), IsEmpty());
  EXPECT_FALSE(model_.state().prompt);
  EXPECT_THAT(names(), SizeIs(2));
  press(KeyName::Escape);
  EXPECT_THAT(names(), SizeIs(3));
}

TEST_F(TopModelTest, PauseHoldsTheViewAndCountingGoesOn) {
  model_.take(sample(2 * kSecond, {{"read", 1, 0, 1}}));
  type(" ");
  model_.take(sample(3 * kSecond, {{"read", 11, 0, 1}}));
  model_.take(sample(4 * kSecond, {{"read", 31, 0, 1}}));
  EXPECT_EQ(model_.table().selected()->row.counts.calls, 1U);
  type(" ");
  EXPECT_EQ(model_.table().selected()->row.counts.calls, 31U);
  EXPECT_DOUBLE_EQ(rate("read"), 20);
}

TEST_F(TopModelTest, DrillDown) {
  model_.take(sample(2 * kSecond, {{"read", 3, 0, 1}}));
  const auto effects = type("\n");
  ASSERT_THAT(effects, SizeIs(1));
  EXPECT_EQ(effects[0].kind, Effect::Kind::WatchRecent);
  EXPECT_EQ(effects[0].text, "read");
  auto recent = [](const std::string& ones) {
    auto read = read_sample(R"({"type":"totals","ts":5000000000,"recent":[)" + ones + "]}");
    EXPECT_TRUE(read.ok());
    return *read;
  };
  auto call = [](int number) {
    return fmt::format(
        R"_({{"ts":{},"dur":5,"pid":1,"tid":2,"function":"read","text":"read({})","stack":["f","main"]}})_",
        number, number);
  };
  model_.take(recent(call(1) + "," + call(2) + "," + call(3)));
  ASSERT_THAT(model_.state().calls, SizeIs(3));
  EXPECT_EQ(model_.state().calls[0].text, "read(3)");  // the newest first
  press(KeyName::Down);
  model_.take(recent(call(2) + "," + call(3) + "," + call(4) + "," + call(5)));
  EXPECT_EQ(model_.state().calls[model_.state().call_index].text, "read(2)");
  type("\n");
  model_.take(recent(call(8)));
  EXPECT_EQ(model_.state().page, Page::Call);
  EXPECT_EQ(model_.state().call.text, "read(2)");
  EXPECT_THAT(model_.state().call.stack, ElementsAre("f", "main"));
  EXPECT_THAT(press(KeyName::Escape), IsEmpty());
  EXPECT_EQ(model_.state().page, Page::Calls);
  const auto left = press(KeyName::Escape);
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].kind, Effect::Kind::ForgetRecent);
}

TEST_F(TopModelTest, ANameThatCannotBeAWordOfARequestIsLookedForHere) {
  model_.take(sample(2 * kSecond, {{"ns::f(int, int)", 3, 0, 1}}));
  EXPECT_EQ(type("\n")[0].text, "");
  press(KeyName::Escape);
  EXPECT_THAT(type("o"), IsEmpty());
  EXPECT_TRUE(model_.state().status.is_error);
}

TEST_F(TopModelTest, SwitchingAFunction) {
  model_.connected();
  model_.take(sample(2 * kSecond, {{"read", 3, 0, 1}}));
  EXPECT_EQ(type("o")[0].text, "functions remove read");
  model_.answered("functions remove read", {false, "no such function", "", {}});
  EXPECT_EQ(model_.state().status.text, "functions remove read: no such function");
  EXPECT_TRUE(model_.state().status.is_error);
  EXPECT_EQ(type("o")[0].text, "functions remove read");
  model_.answered("functions remove read", *read_answer(R"({"ok":true,"from":12})"));
  EXPECT_EQ(model_.state().status.text, "functions remove read: done, from event 12 on");
  EXPECT_EQ(type("o")[0].text, "functions add read");
  type("s");
  EXPECT_THAT(type("o"), IsEmpty());
}

TEST_F(TopModelTest, RulesSamplingAndRequests) {
  EXPECT_EQ(type("R")[0].text, "inject list");
  model_.answered(
      "inject list",
      *read_answer(R"({"ok":true,"rules":[{"n":4,"rule":"openat:error=EIO","hits":7}]})"));
  ASSERT_THAT(model_.state().rules, SizeIs(1));
  EXPECT_EQ(type("d")[0].text, "inject remove 4");
  const auto added = type("aopenat:error=EIO\n");
  ASSERT_THAT(added, SizeIs(2));
  EXPECT_EQ(added[0].text, "inject add openat:error=EIO");
  EXPECT_EQ(added[1].text, "inject list");
  EXPECT_EQ(type("Severy=10\n")[0].text, "sample every=10");
  EXPECT_EQ(type(":status\n")[0].text, "status");
  EXPECT_THAT(type(":\n"), IsEmpty());
  EXPECT_THAT(type(":subscribe\n"), IsEmpty());
}

TEST_F(TopModelTest, TablesThatCostSomethingAreWatchedOnce) {
  EXPECT_THAT(type("s"), IsEmpty());
  const auto effects = type("c");
  ASSERT_THAT(effects, SizeIs(1));
  EXPECT_EQ(effects[0].kind, Effect::Kind::WatchTable);
  EXPECT_EQ(effects[0].table, Table::Caller);
  EXPECT_THAT(type("fc"), IsEmpty());
  EXPECT_EQ(press(KeyName::Tab)[0].table, Table::Path);
  press(KeyName::Tab);
  EXPECT_EQ(model_.state().table, Table::Function);
}

TEST_F(TopModelTest, Interval) {
  EXPECT_EQ(type("-")[0].kind, Effect::Kind::SetInterval);
  EXPECT_EQ(model_.state().interval_ms, 500U);
  EXPECT_THAT(type("----"), SizeIs(2));
  EXPECT_EQ(model_.state().interval_ms, 100U);
  EXPECT_THAT(type("+"), SizeIs(1));
  EXPECT_EQ(model_.state().interval_ms, 200U);
}

TEST_F(TopModelTest, QuittingAsksWhileItsProgramRuns) {
  EXPECT_THAT(type("q"), IsEmpty());
  EXPECT_THAT(type("x"), IsEmpty());
  press(KeyName::Escape);
  EXPECT_FALSE(model_.state().prompt);
  EXPECT_EQ(type("qk")[0].kind, Effect::Kind::EndProgram);
  EXPECT_EQ(type("qw")[0].kind, Effect::Kind::WaitForProgram);
  type("q");
  model_.program_is_over("it has ended", false);
  EXPECT_FALSE(model_.state().prompt);
  EXPECT_EQ(press(KeyName::Quit)[0].kind, Effect::Kind::Leave);
  Model other("s", Whose::Somebody, 1000);
  EXPECT_EQ(other.press({KeyName::Character, 'q'})[0].kind, Effect::Kind::Leave);
}

TEST_F(TopModelTest, TheEndIsShownThoughTheViewIsPaused) {
  model_.take(sample(2 * kSecond, {{"read", 1, 0, 1}}));
  type(" ");
  Sample last = sample(3 * kSecond, {{"read", 9, 0, 1}});
  last.is_last = true;
  model_.take(last);
  EXPECT_FALSE(model_.state().is_paused);
  EXPECT_EQ(model_.table().selected()->row.counts.calls, 9U);
}

TEST_F(TopModelTest, WhatIsNoSampleIsRefused) {
  for (const char* line : {"", "{", "[]", "null", "{\"type\":\"other\"}", "\xff"})
    EXPECT_FALSE(read_sample(line).ok()) << line;
  const auto odd = read_sample(
      R"({"type":"totals","ts":-1,"function":{"functions":[1,{"function":7,"calls":"x"}]},"recent":[3]})");
  ASSERT_TRUE(odd.ok());
  EXPECT_THAT(odd->tables[0]->rows, SizeIs(1));
  EXPECT_THAT(*odd->recent, IsEmpty());
}

}  // namespace
}  // namespace wc::top
