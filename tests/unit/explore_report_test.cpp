// How a run ended, and the table and the JSON of all runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "explore/report.h"

namespace wc::explore {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

Point point() {
  Point point;
  point.syscall = "write";
  point.function = "puts";
  point.library = "libc.so.6";
  point.caller = {"/bin/prog", "main", 16, "prog.c", 3};
  point.times = 2;
  point.name = {"write@puts:from=main@prog", 2, false};
  return point;
}

constexpr int exited(int status) { return status << 8; }

// A run in which the point failed.
Ran ran(int status, const std::string& out = "out", const std::string& err = "") {
  Ran ran;
  ran.status = status;
  ran.out = out;
  ran.err = err;
  ran.trace.program = 7;
  ran.trace.program_ends = true;
  ran.trace.calls[1] = {"puts", "libc.so.6", 0, point().caller};
  ran.trace.syscalls.push_back({"write", 1, 7, "ENOSPC", true});
  return ran;
}

Verdict judged(const Ran& one) {
  return judge(sound_of(ran(exited(0)), ran(exited(0))), one, point());
}

TEST(ExploreEndings, AreToldApart) {
  EXPECT_EQ(judged(ran(exited(0))).text, "same output and status");
  EXPECT_EQ(judged(ran(exited(3))).text, "other status 3");
  EXPECT_EQ(judged(ran(exited(0), "other")).text, "output differs");
  EXPECT_EQ(judged(ran(exited(0), "out", "oops\n")).text, "output differs (standard error only)");
  EXPECT_EQ(judged(ran(exited(3), "other")).text, "other status 3");
  EXPECT_EQ(judged(ran(SIGSEGV)).text, "signal SIGSEGV");
  EXPECT_EQ(judged(ran(SIGSEGV)).signal, "SIGSEGV");
}

TEST(ExploreEndings, TheToolsOwnLinesAreNoOutput) {
  EXPECT_EQ(without_own_lines("a\nwc-preload: x\nb"), "a\nb");
  EXPECT_EQ(without_own_lines("wc-preload: x"), "");
  EXPECT_EQ(judged(ran(exited(0), "out", "wc-preload: rule applied\n")).ending, Ending::Same);
}

TEST(ExploreEndings, OutputThatVariesIsNotCompared) {
  const Sound sound = sound_of(ran(exited(0), "a", "x"), ran(exited(0), "b", "x"));
  EXPECT_TRUE(sound.out_varies);
  EXPECT_FALSE(sound.err_varies);
  EXPECT_EQ(judge(sound, ran(exited(0), "c", "x"), point()).ending, Ending::Same);
  EXPECT_EQ(judge(sound, ran(exited(0), "c", "y"), point()).ending, Ending::OutputDiffers);
}

TEST(ExploreEndings, ARunWithoutAnEndHangs) {
  Ran one = ran(SIGKILL);
  one.ended = false;
  one.doing = "cat in pipe_read";
  EXPECT_EQ(judged(one).ending, Ending::Hang);
  EXPECT_EQ(judged(one).text, "hang (cat in pipe_read)");
}

TEST(ExploreEndings, ARunThatDoesNotComeToThePointSaysNothing) {
  Ran other = ran(SIGSEGV);
  other.trace.syscalls[0].injected = false;
  EXPECT_EQ(judged(other).ending, Ending::NotReached);
  other = ran(SIGSEGV);
  other.trace.calls[1].caller.offset = 17;
  EXPECT_EQ(judged(other).ending, Ending::NotReached);
}

TEST(ExploreEndings, ACrashOfAChildIsOne) {
  Ran child = ran(exited(0));
  child.trace.deaths = {{8, "SIGTERM", {}}};
  EXPECT_EQ(judged(child).ending, Ending::Same);  // processes end each other
  child.trace.deaths.push_back({9, "SIGABRT", {"raise+0x1"}});
  EXPECT_EQ(judged(child).text, "signal SIGABRT of a child");
  EXPECT_THAT(judged(child).stack, ElementsAre("raise+0x1"));
  Ran sound = ran(exited(0));
  sound.trace.deaths = child.trace.deaths;
  EXPECT_EQ(judge(sound_of(sound, sound), child, point()).ending, Ending::Same);
}

TEST(ExploreEndings, WhatTheTracerCannotRunIsNoEndOfTheProgram) {
  Ran one = ran(exited(125), "", "wc-preload: no such thing\n");
  EXPECT_EQ(judged(one).ending, Ending::OtherStatus);  // the program's own
  one.trace.program_ends = false;
  EXPECT_EQ(judged(one).text, "could not be run: no such thing");
  one = ran(0);
  one.failure = "cannot fork";
  EXPECT_EQ(judged(one).ending, Ending::Failed);
}

Report report() {
  Report report;
  report.version = "1.2";
  report.program = {"./prog", "a b"};
  report.options = {"--functions=puts"};
  report.facts = {"a fact"};
  report.points = {point(), point()};
  report.points[1].syscall = "getpid";
  report.rows.push_back({0, "ENOSPC", judged(ran(SIGSEGV))});
  report.rows[0].verdict.stack = {"read+0x1", "main+0x2 at prog.c:3", "__libc_start_main+0x1"};
  report.rows.push_back({0, "EIO", judged(ran(exited(3)))});
  report.rows.push_back({1, "", {Ending::CannotFail, "skipped: it cannot fail", "", 0, {}}});
  return report;
}

TEST(ExploreReport, IsATable) {
  EXPECT_EQ(
      table_text(report()),
      "- ./prog 'a b'\n"
      "- a fact\n"
      "- to repeat a row: wc-preload --functions=puts --inject RULE -- ./prog 'a b'\n"
      "\n"
      "point                                      error   outcome                  to repeat it\n"
      "write in puts from main+0x10 at prog.c:3   ENOSPC  signal SIGSEGV           "
      "--inject write@puts:from=main@prog:error=ENOSPC:when=2\n"
      "    at read+0x1\n"
      "      from main+0x2 at prog.c:3\n"
      "write in puts from main+0x10 at prog.c:3   EIO     other status 3           "
      "--inject write@puts:from=main@prog:error=EIO:when=2\n"
      "getpid in puts from main+0x10 at prog.c:3  -       skipped: it cannot fail\n"
      "\n"
      "1 other status; 1 signal; 1 skipped, as they cannot fail\n"
      "");
}

TEST(ExploreReport, ALongNameStandsOutOfItsColumn) {
  Report one = report();
  one.points[1].caller.symbol = std::string(90, 'x');
  std::istringstream lines(table_text(one));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("point ")) continue;
    EXPECT_EQ(line.find("error"), 42U);
  }
}

TEST(ExploreReport, RulesWithSignsOfTheShellAreQuoted) {
  Report one = report();
  one.points[0].name.where = "write:from=operator<@prog";
  EXPECT_THAT(table_text(one),
              HasSubstr("--inject 'write:from=operator<@prog:error=ENOSPC:when=2'\n"));
}

TEST(ExploreReport, IsJsonLines) {
  std::istringstream lines(json_text(report()));
  std::vector<json> all;
  for (std::string line; std::getline(lines, line);) all.push_back(json::parse(line));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0]["type"], "explore");
  EXPECT_EQ(all[0]["argv"], json({"./prog", "a b"}));
  EXPECT_EQ(all[0]["points"], 2);
  const json& row = all[1];
  EXPECT_EQ(row["type"], "point");
  EXPECT_EQ(row["function"], "puts");
  EXPECT_EQ(row["library"], "libc.so.6");
  EXPECT_EQ(row["syscall"], "write");
  EXPECT_EQ(row["caller"]["symbol"], "main");
  EXPECT_EQ(row["caller"]["line"], 3);
  EXPECT_EQ(row["times"], 2);
  EXPECT_EQ(row["error"], "ENOSPC");
  EXPECT_EQ(row["outcome"], "signal");
  EXPECT_EQ(row["signal"], "SIGSEGV");
  EXPECT_EQ(row["stack"].size(), 3U);
  EXPECT_EQ(row["inject"], "write@puts:from=main@prog:error=ENOSPC:when=2");
  EXPECT_EQ(all[2]["outcome"], "other status");
  EXPECT_EQ(all[2]["status"], 3);
  EXPECT_EQ(all[3]["outcome"], "skipped");
  EXPECT_FALSE(all[3].contains("inject"));
}

TEST(ExploreReport, NamesOfAnyBytesMakeValidJson) {
  Report one = report();
  one.program = {"\xff\xfe"};
  one.points[0].caller.symbol = "a\x80\"\n";
  std::istringstream lines(json_text(one));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(json::accept(line)) << line;
}

}  // namespace
}  // namespace wc::explore
