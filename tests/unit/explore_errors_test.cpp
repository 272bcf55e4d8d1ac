// Which errors a system call is made to return.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "decode/decoder.h"
#include "explore/errors.h"
#include "rules/rule_words.h"

namespace wc::explore {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ErrorChoice choice(std::string_view text) {
  auto parsed = parse_error_choice(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : ErrorChoice();
}

TEST(ExploreErrors, EveryRowIsACallAndHasErrorsThatRulesTake) {
  std::set<std::string_view> seen;
  for (const ErrorRow& row : error_rows()) {
    EXPECT_GE(syscall_number(row.syscall), 0) << row.syscall;
    EXPECT_TRUE(seen.insert(row.syscall).second) << row.syscall << " stands twice";
    std::istringstream words{std::string(row.errors)};
    std::set<int> codes;
    for (std::string word; words >> word;) {
      const auto code = parse_error_name(word);
      ASSERT_TRUE(code.ok()) << row.syscall << ": " << word;
      EXPECT_TRUE(codes.insert(*code).second) << row.syscall << ": " << word << " stands twice";
    }
  }
  EXPECT_GT(seen.size(), 300U);
}

TEST(ExploreErrors, TheMostTellingOneIsTriedWhereNoneIsNamed) {
  EXPECT_THAT(errors_for("write", choice("")), ElementsAre("ENOSPC"));
  EXPECT_THAT(errors_for("read", choice("")), ElementsAre("EIO"));
  EXPECT_THAT(errors_for("openat", choice("")), ElementsAre("EACCES"));
  EXPECT_THAT(errors_for("mmap", choice("")), ElementsAre("ENOMEM"));
}

TEST(ExploreErrors, NamedOnesAreTriedInTheirOrder) {
  EXPECT_THAT(errors_for("read", choice("ENOSPC,EIO,ENOSPC")), ElementsAre("ENOSPC", "EIO"));
  EXPECT_THAT(errors_for("write", choice("5")), ElementsAre("5"));
}

TEST(ExploreErrors, AllAreThoseOfTheManualPage) {
  EXPECT_THAT(errors_for("write", choice("all")), Contains("EFBIG"));
  EXPECT_THAT(errors_for("write", choice("all")), Not(Contains("ENOENT")));
  EXPECT_GT(errors_for("openat", choice("all")).size(), 15U);
}

TEST(ExploreErrors, WhatCannotFailHasNone) {
  for (const char* call : {"getpid", "exit_group", "brk", "rt_sigreturn"}) {
    EXPECT_THAT(errors_for(call, choice("")), IsEmpty()) << call;
    EXPECT_THAT(errors_for(call, choice("EIO")), IsEmpty()) << call;
    EXPECT_THAT(errors_for(call, choice("all")), IsEmpty()) << call;
  }
}

TEST(ExploreErrors, AnUnknownCallIsNotThere) {
  EXPECT_THAT(errors_for("mseal", choice("")), ElementsAre("ENOSYS"));
  EXPECT_THAT(errors_for("mseal", choice("all")), ElementsAre("ENOSYS"));
}

TEST(ExploreErrors, WrongNamesAreRefused) {
  for (const char* text : {"EFOO", "EIO,EFOO", "all,EIO", "0", ",", "EIO ENOSPC", "eio"})
    EXPECT_FALSE(parse_error_choice(text).ok()) << text;
  EXPECT_THAT(parse_error_choice("EFOO").error().message, HasSubstr("'EFOO'"));
}

}  // namespace
}  // namespace wc::explore
