// --diff: what is read of a summary and of a folded file, what has changed most, what is too much.
#include <gmock/gmock.h>

#include "diff/difference.h"

namespace wc {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kSummary = R"({"functions":[
  {"function":"save","calls":2,"syscalls":3,"errors":1,"ns":900,"by_syscall":[
    {"name":"write","count":2,"errors":1,"ns":500},{"name":"fsync","count":1,"errors":0,"ns":300}]},
  {"function":"close","calls":1,"syscalls":1,"errors":0,"ns":50,"by_syscall":[
    {"name":"close","count":1,"errors":0,"ns":40}]}],
  "outside":{"by_syscall":[{"name":"brk","count":4,"errors":0,"ns":9}]},
  "total":{"calls":3},"by":"function"})";

Profile folded(const char* text) { return *profile_of_folded(text); }

TEST(Profile, OfASummary) {
  const auto profile = profile_of_summary(kSummary);
  ASSERT_TRUE(profile.ok()) << profile.error().message;
  EXPECT_EQ(profile->by, "function");
  EXPECT_EQ(profile->rows.size(), 5U) << "close(2) in close(3) is no row of its own";
  EXPECT_EQ(profile->rows.at("save").count, 2U);
  EXPECT_EQ(profile->rows.at("write in save").errors, 1U);
  EXPECT_EQ(profile->rows.at("brk outside of all calls").count, 4U);
}

TEST(Profile, WhatIsNoneIsSaid) {
  for (const char* text :
       {"", "{", "[]", "{\"by\":1}", "{\"by\":\"function\"}", "{\"total\":{}}", "7"})
    EXPECT_FALSE(profile_of_summary(text).ok()) << text;
  for (const char* text : {"a;b", "a;b ", "a;b x", "a 1\nb", "a 99999999999999999999"})
    EXPECT_FALSE(profile_of_folded(text).ok()) << text;
  EXPECT_THAT(profile_of_folded("a 1\nb").error().message, HasSubstr("line 2"));
  // Of the wrong type, but a summary: nothing is counted.
  EXPECT_TRUE(
      profile_of_summary(
          R"({"by":"function","total":{},"functions":[7,{"function":3},{"function":"f","calls":-1}]})")
          .ok());
}

TEST(Difference, WhatIsNewStandsFirst) {
  auto before = *profile_of_summary(kSummary), after = before;
  after.rows["write in save"].count = 3;
  after.rows["save"].ns = 90000000;
  after.rows["fsync in flush"] = {1, 0, 10};
  const auto rows = difference(before, after);
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0].name, "fsync in flush");
  EXPECT_EQ((*rows)[1].name, "write in save");
  EXPECT_EQ((*rows)[2].name, "save");
  EXPECT_THAT(diff_table(*rows, before.kind, 9),
              StartsWith("changed most: fsync in flush: count 0 -> 1\n"));
  EXPECT_THAT(diff_table(*rows, before.kind, 1), HasSubstr("and 2 more rows"));
  EXPECT_EQ(diff_table({}, before.kind, 9), "nothing has changed\n");
  EXPECT_THAT(
      diff_json(*rows, before.kind),
      StartsWith(
          R"({"type":"diff","what":"fsync in flush","count":[0,1],"errors":[0,0],"ns":[0,10]})"));
}

TEST(Difference, OfTwoKindsIsRefused) {
  EXPECT_FALSE(difference(*profile_of_summary(kSummary), folded("a 1\n")).ok());
  auto other = *profile_of_summary(kSummary);
  other.by = "syscall";
  EXPECT_THAT(difference(*profile_of_summary(kSummary), other).error().message,
              HasSubstr("a row a function"));
}

TEST(Difference, OfStacks) {
  Profile before = folded("old;main;write 5\nold;main;read 1\n");
  Profile after = folded("new;main;write 5\nnew;main;fsync 1\n");
  name_alike(before, after);
  EXPECT_EQ(diff_folded(before, after),
            "old;main;fsync 0 1\nold;main;read 1 0\nold;main;write 5 5\n");
  const auto rows = difference(before, after);
  ASSERT_EQ(rows->size(), 2U);
  Profile several = folded("sh;a 1\nls;b 1\n");
  name_alike(before, several);
  EXPECT_TRUE(several.rows.contains("ls;b")) << "which one is which program's is not known";
}

TEST(Threshold, IsReadAndKept) {
  EXPECT_EQ(parse_threshold("10%")->time, 10);
  const auto some = parse_threshold("count=5%,errors=0%");
  ASSERT_TRUE(some.ok());
  EXPECT_FALSE(some->time);
  for (const char* text : {"", "10", "%", "-1%", "x=1%", "nan%", "1%,", "count=%", "1%%"})
    EXPECT_FALSE(parse_threshold(text).ok()) << text;
  const std::vector<DiffRow> rows{{"a", {100, 0, 100}, {105, 0, 200}}, {"b", {0, 0, 0}, {1, 0, 0}}};
  EXPECT_EQ(beyond(rows, Threshold{}), 0U);
  EXPECT_EQ(beyond(rows, Threshold{.count = 5}), 1U) << "new is beyond everything";
  EXPECT_EQ(beyond(rows, Threshold{.count = 4}), 2U);
  EXPECT_EQ(beyond(rows, Threshold{.time = 99}), 1U);
  EXPECT_EQ(beyond(rows, Threshold{.errors = 0}), 0U);
}

}  // namespace
}  // namespace wc
