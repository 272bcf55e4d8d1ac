// Runs of real commands: limits, what is left of them, interleaving, statuses, servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "measure/measure.h"
#include "measure/process_tree.h"
#include "temporary_folder.h"

namespace wc::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class MeasureRun : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(become_subreaper().ok()); }
  static std::vector<std::string> shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
  }
  static Outcome run_shell(const std::string& script, double limit = 20) {
    const Result<Outcome> outcome = run(shell(script), Streams{}, limit);
    EXPECT_TRUE(outcome.ok());
    return outcome.ok() ? *outcome : Outcome{};
  }
  std::string lines_of(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static RowResult measured(const Row& row, int rounds, WarmUp warm_up = WarmUp::Done) {
    Plan plan;
    plan.rounds = rounds;
    plan.warm_up = warm_up;
    plan.limits.run_seconds = 20;
    return measure(row, plan, now() + 100, [](const Step&) {});
  }
  static Variant variant(const std::string& name, const std::string& script) {
    Variant v;
    v.name = name;
    v.command = shell(script);
    return v;
  }

  TemporaryFolder folder_;
};

TEST_F(MeasureRun, TellsTheStatus) {
  EXPECT_EQ(describe_status(run_shell("exit 7").status), "exit status 7");
  EXPECT_EQ(describe_status(run_shell("kill -SEGV $$").status), "killed by SIGSEGV");
}

TEST_F(MeasureRun, CountsTheTimeOfTheWholeTree) {
  const Outcome outcome = run_shell("(i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done) & wait");
  EXPECT_GT(outcome.cpu, 0.005);
  EXPECT_LT(run_shell("sleep 0.1").cpu, 0.1);
}

TEST_F(MeasureRun, KillsWhatDoesNotEndWithAllThatItStarted) {
  const double begin = now();
  const Outcome outcome = run_shell("setsid sleep 100 & sleep 100", 0.3);
  EXPECT_FALSE(outcome.ended);
  EXPECT_THAT(outcome.doing, HasSubstr("sleep in "));
  EXPECT_LT(now() - begin, 20);
  EXPECT_THAT(processes_below(getpid()), ElementsAre(getpid()));
}

TEST_F(MeasureRun, LeavesNoDaemonBehind) {
  EXPECT_TRUE(run_shell("setsid sleep 100 & exit 0").ended);
  EXPECT_THAT(processes_below(getpid()), ElementsAre(getpid()));
}

TEST_F(MeasureRun, TurnsAreTakenInOrder) {
  const std::string log = folder_ / "log";
  Row row;
  row.variants = {variant("a", "echo a >>" + log), variant("b", "echo b >>" + log)};
  const RowResult result = measured(row, 3, WarmUp::Native);
  EXPECT_EQ(lines_of("log"), "a\na\nb\na\nb\na\nb\n");
  EXPECT_EQ(result.variants[0].samples.size(), 3u);
  EXPECT_EQ(result.variants[1].samples.size(), 3u);
}

TEST_F(MeasureRun, PreparesEachRun) {
  const std::string log = folder_ / "log";
  Row row;
  row.before = shell("printf p >>" + log);
  row.variants = {variant("a", "printf a >>" + log)};
  measured(row, 2);
  EXPECT_EQ(lines_of("log"), "papa");
}

TEST_F(MeasureRun, WhatFailsOnceIsNotRunAgain) {
  const std::string log = folder_ / "log";
  Row row;
  row.variants = {variant("native", "true"),
                  variant("bad", "echo x >>" + log + "; echo why >&2; exit 3")};
  const RowResult result = measured(row, 4);
  EXPECT_EQ(lines_of("log"), "x\n");
  EXPECT_EQ(result.variants[1].failure, "exit status 3 (native: exit status 0): why");
  EXPECT_EQ(result.variants[0].samples.size(), 4u);
}

TEST_F(MeasureRun, NativesStatusIsTheRightOne) {
  Row row;
  row.variants = {variant("native", "exit 3"), variant("same", "exit 3"),
                  variant("tool", "exit 0")};
  row.variants.push_back(row.variants[2]);
  row.variants[3].exit_status = ExitStatus::OfTool;
  const RowResult result = measured(row, 1);
  EXPECT_EQ(result.variants[0].failure, "");
  EXPECT_EQ(result.variants[1].failure, "");
  EXPECT_THAT(result.variants[2].failure, StartsWith("exit status 0 (native: exit status 3)"));
  EXPECT_EQ(result.variants[3].failure, "");
}

TEST_F(MeasureRun, SkippedOnesAreNotRun) {
  Row row;
  row.variants = {variant("native", "true"), variant("no", "false")};
  row.variants[1].skipped = "not here";
  const RowResult result = measured(row, 1);
  EXPECT_EQ(result.variants[1].failure, "");
  EXPECT_TRUE(result.variants[1].samples.empty());
}

TEST_F(MeasureRun, TakesTheFigureThatAProgramPrints) {
  Row row;
  row.figure = FigurePattern{"took ([0-9]+)", Better::Less};
  row.variants = {variant("native", "echo took 42"), variant("silent", "true")};
  row.per = 2;
  const RowResult result = measured(row, 1);
  EXPECT_DOUBLE_EQ(result.variants[0].samples.at(1).figure, 21);
  EXPECT_THAT(result.variants[1].failure, HasSubstr("printed no figure"));
}

TEST_F(MeasureRun, FigureFromStandardErrorLeavesOutputAlone) {
  Row row;
  row.figure = FigurePattern{"^([0-9]+)$", Better::Less, PrintedTo::StandardError};
  row.variants = {variant("native", "echo 1; echo 42 >&2")};
  EXPECT_DOUBLE_EQ(measured(row, 1).variants[0].samples.at(1).figure, 42);
}

TEST_F(MeasureRun, BestOfSeveralRuns) {
  const std::string file = folder_ / "n";
  Row row;
  row.figure = FigurePattern{"is ([0-9]+)", Better::Less};
  row.variants = {variant("native", "printf x >>" + file + "; echo is $(wc -c <" + file + ")")};
  row.runs = 3;
  row.pick = Pick::Best;
  EXPECT_DOUBLE_EQ(measured(row, 1).variants[0].samples.at(1).figure, 1);
}

TEST_F(MeasureRun, BeginsNothingAfterTheTimeForAll) {
  Row row;
  row.variants = {variant("native", "true")};
  Plan plan;
  plan.warm_up = WarmUp::Done;
  const RowResult result = measure(row, plan, now() - 1, [](const Step&) {});
  EXPECT_TRUE(result.out_of_time);
  EXPECT_TRUE(result.variants[0].samples.empty());
}

// ---- servers

constexpr const char* kServer =
    "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n"
    "while True:\n c,_=s.accept()\n c.sendall(b'7')\n c.close()\n";
constexpr const char* kClient =
    "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
    "print(s.recv(9).decode(), 'requests per second')\n";

TEST_F(MeasureRun, PutsAServerUnderLoadOnceItListens) {
  const std::string server = folder_.write("server.py", kServer);
  const std::string client = folder_.write("client.py", kClient);
  const std::string socket = folder_ / "s";
  Row row;
  row.load = Load{"/usr/bin/python3 " + client + " " + socket, ""};
  row.figure = FigurePattern{"", Better::More};
  row.before = {"rm", "-f", socket};
  row.variants = {variant("native", "exec /usr/bin/python3 " + server + " " + socket),
                  variant("under a tool", "/usr/bin/python3 " + server + " " + socket)};
  const RowResult result = measured(row, 2);
  EXPECT_EQ(result.variants[0].failure, "");
  EXPECT_EQ(result.variants[1].failure, "");
  ASSERT_EQ(result.variants[1].samples.size(), 2u);
  EXPECT_DOUBLE_EQ(result.variants[1].samples.at(2).figure, 7);
  EXPECT_THAT(processes_below(getpid()), ElementsAre(getpid()));
}

TEST_F(MeasureRun, ServerIsReadyWhenTheCommandSaysSo) {
  const std::string file = folder_ / "ready";
  Row row;
  row.load = Load{"test -e " + file, "test -e " + file};
  row.variants = {variant("native", "sleep 0.2; touch " + file + "; sleep 100")};
  EXPECT_EQ(measured(row, 1).variants[0].failure, "");
}

TEST_F(MeasureRun, ServerThatEndsBeforeItIsReady) {
  Row row;
  row.load = Load{"true", ""};
  row.variants = {variant("native", "exit 4")};
  EXPECT_EQ(measured(row, 1).variants[0].failure, "ended before it was ready (exit status 4)");
}

TEST_F(MeasureRun, LoadThatFailsSaysWhy) {
  Row row;
  row.load = Load{"echo no route >&2; exit 1", "true"};
  row.variants = {variant("native", "sleep 100")};
  EXPECT_EQ(measured(row, 1).variants[0].failure, "the load failed: exit status 1: no route");
}

}  // namespace
}  // namespace wc::measure
