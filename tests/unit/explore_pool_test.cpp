// Several runs at a time: what is left of each, limits, and that nothing of them stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>

#include "explore/pool.h"
#include "measure/child.h"

namespace wc::explore {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kLong = 60;

Job shell(const std::string& script, double limit = kLong) { return {{"sh", "-c", script}, limit}; }

std::vector<Ran> all(const std::vector<Job>& jobs, std::size_t width) {
  std::vector<Ran> rans(jobs.size());
  const Status status =
      run_all(jobs, width, kNever, [&](std::size_t i, Ran ran) { rans[i] = std::move(ran); });
  EXPECT_TRUE(status.ok());
  return rans;
}

TEST(ExplorePool, HandsOverEachRunWithItsOutput) {
  std::vector<Job> jobs;
  for (int i = 0; i < 9; i++)
    jobs.push_back(
        shell("echo out" + std::to_string(i) + "; echo err >&2; exit " + std::to_string(i)));
  const auto rans = all(jobs, 4);
  for (int i = 0; i < 9; i++) {
    const Ran& ran = rans[static_cast<std::size_t>(i)];
    EXPECT_EQ(ran.failure, "");
    EXPECT_TRUE(ran.ended);
    EXPECT_EQ(WEXITSTATUS(ran.status), i);
    EXPECT_EQ(ran.out, "out" + std::to_string(i) + "\n");
    EXPECT_EQ(ran.err, "err\n");
  }
}

TEST(ExplorePool, RunsAtTheSameTime) {
  // Each waits for what the other one makes.
  const std::string folder = testing::TempDir() + "/explore-pool-" + std::to_string(getpid());
  const auto meet = [&](const std::string& mine, const std::string& other) {
    return shell("mkdir -p " + folder + "; touch " + folder + "/" + mine + "; while [ ! -e " +
                 folder + "/" + other + " ]; do sleep 0.02; done");
  };
  const auto rans = all({meet("a", "b"), meet("b", "a")}, 2);
  EXPECT_TRUE(rans[0].ended && rans[1].ended);
  all({shell("rm -r " + folder)}, 1);
}

// The shell stands for the tracer, which ends by itself once the program is gone.
TEST(ExplorePool, KillsWhatDoesNotEndAndAllThatItStarted) {
  const auto rans = all({shell("setsid sleep 1000 & echo $!; sleep 1000; true", 0.5)}, 2);
  EXPECT_FALSE(rans[0].ended);
  EXPECT_NE(rans[0].doing.find("sleep"), std::string::npos) << rans[0].doing;
  const pid_t stray = std::stoi(rans[0].out);
  EXPECT_TRUE(kill(stray, 0) != 0 && errno == ESRCH);
  EXPECT_TRUE(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
}

TEST(ExplorePool, TellsSignals) {
  const auto rans = all({shell("kill -SEGV $$")}, 1);
  EXPECT_TRUE(WIFSIGNALED(rans[0].status));
  EXPECT_EQ(WTERMSIG(rans[0].status), SIGSEGV);
}

TEST(ExplorePool, BeginsNoneAfterTheDeadline) {
  int done = 0;
  const Status status = run_all({shell("true"), shell("true")}, 1, measure::now() - 1,
                                [&](std::size_t, const Ran&) { done++; });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace wc::explore
