// --explore: its value, what excludes what, and the options that its runs get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "options_words.h"
#include "temporary_folder.h"

namespace wc::config {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ExploreOptions, IsNotAskedForByDefault) { EXPECT_FALSE(good_words({"p"}).explore.asked); }

TEST(ExploreOptions, ErrorsAreAttached) {
  EXPECT_TRUE(good_words({"--explore", "p"}).explore.asked);
  EXPECT_EQ(good_words({"--explore", "p"}).explore.errors, "");
  EXPECT_EQ(good_words({"--explore=EIO,ENOSPC", "p"}).explore.errors, "EIO,ENOSPC");
  EXPECT_THAT(good_words({"--explore", "EIO"}).program, ElementsAre("EIO"));
}

TEST(ExploreOptions, LimitsAreThoseOfCompare) {
  const ExploreOptions none = good_words({"--explore", "p"}).explore;
  EXPECT_EQ(none.run_limit, 0);
  EXPECT_EQ(none.total_limit, 0);
  const ExploreOptions one = good_words({"--explore", "--compare-limit=2.5", "p"}).explore;
  EXPECT_EQ(one.run_limit, 2.5);
  EXPECT_EQ(one.total_limit, 0);
  EXPECT_EQ(good_words({"--compare-limit=3,40", "--explore", "p"}).explore.total_limit, 40);
  EXPECT_THAT(bad_words({"--explore", "--compare-output=a.svg", "p"}),
              HasSubstr("--compare-output needs --compare"));
}

TEST(ExploreOptions, WhatChoosesPointsIsHandedOn) {
  EXPECT_THAT(
      good_words({"--explore", "-F", "@net,!close", "-e%file", "-B", "f", "-g", "trap", "-b",
                  "json", "-o", "out", "-E", "auto", "-v", "--scope=main", "--no-follow", "p"})
          .explore.handed_on,
      ElementsAre("--functions=@net,!close", "--syscalls=%file", "--breakpoints=f", "--gate=trap",
                  "--scope=main", "--no-follow"));
}

TEST(ExploreOptions, WhatWouldSpoilTheCountIsRefused) {
  for (const Words& words :
       {Words{"-P", "/etc"}, Words{"-z"}, Words{"-Z"}, Words{"--status=failed"}, Words{"-A"},
        Words{"-ff"}, Words{"-c"}, Words{"-C"}, Words{"--objects"},
        Words{"--inject=read:error=EIO"}, Words{"--fault=read"}, Words{"--deny=read"},
        Words{"-e", "inject=read:error=EIO"}, Words{"--connect", "/s"}, Words{"--compare"}}) {
    Words line = words;
    line.insert(line.end(), {"--explore", "p"});
    EXPECT_THAT(bad_words(line), AllOf(HasSubstr("--explore"), HasSubstr("exclude each other")))
        << testing::PrintToString(line);
  }
  EXPECT_THAT(bad_words({"--explore", "-p", "1"}), HasSubstr("exclude each other"));
  EXPECT_THAT(bad_words({"--explore", "--list-classes"}), HasSubstr("needs a program"));
  EXPECT_THAT(bad_words({"--explore"}), HasSubstr("no program"));
  EXPECT_THAT(bad_words({"--explore", "-E", "inproc", "p"}), HasSubstr("use -E ptrace"));
}

TEST(ExploreOptions, TheReportIsATableOrJson) {
  EXPECT_THAT(good_words({"--explore", "p"}).backends, ElementsAre("text"));
  EXPECT_THAT(good_words({"--explore", "-b", "json", "p"}).backends, ElementsAre("json"));
  for (const char* backend : {"summary", "folded", "none", "./own.so", "json:output=x"})
    EXPECT_THAT(bad_words({"--explore", "-b", backend, "p"}),
                AllOf(HasSubstr(backend), HasSubstr("valid: one of text, json")));
}

TEST(ExploreOptions, WhatHasNoEffectIsWarnedAbout) {
  for (const Words& words : {Words{"-a"}, Words{"-s", "9"}, Words{"-k"}, Words{"-t"}, Words{"-y"},
                             Words{"-q"}, Words{"--signals=none"}, Words{"--color=always"}}) {
    Words line = words;
    line.insert(line.end(), {"--explore", "p"});
    EXPECT_THAT(good_words(line).warnings, Contains(HasSubstr("has no effect with --explore")))
        << testing::PrintToString(line);
  }
  EXPECT_THAT(good_words({"--explore", "-F", "read", "-g", "trap", "p"}).warnings, IsEmpty());
}

TEST(ExploreOptions, TheFileOfOptionsIsLookedAt) {
  const TemporaryFolder folder;
  const auto with = [&](const std::string& text) {
    return Words{"--explore", "--config", folder.write("o.ini", text), "p"};
  };
  EXPECT_THAT(bad_words(with("[policy]\nfault=read\n")), HasSubstr("exclude each other"));
  EXPECT_THAT(bad_words(with("[syscalls]\npath=/etc/*\n")), HasSubstr("exclude each other"));
  EXPECT_THAT(bad_words(with("[options]\noutput-append-mode=yes\n")),
              HasSubstr("exclude each other"));
  const Options options =
      good_words(with("[syscalls]\nstatus=all\ntrace=%file\n[options]\noutput-append-mode=no\n"));
  EXPECT_THAT(options.explore.handed_on, ElementsAre("--config=" + folder.path() + "/o.ini"));
}

}  // namespace
}  // namespace wc::config
