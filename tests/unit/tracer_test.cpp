// The loop: who is traced, in whatever order the kernel says it. No process is there: the kernel is
// a script, and what the tracer makes of it is read from the JSON that it reports.
#include "engine/tracer.h"

#include <gmock/gmock.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "scripted_kernel.h"
#include "temporary_folder.h"

namespace wc {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;

// The kernel's ids end below these, so /proc says nothing of them.
constexpr pid_t kFirst = 1 << 23, kChild = kFirst + 1, kOther = kFirst + 2;

class TracerTest : public testing::Test {
 protected:
  // Runs to the end of the script; the first program's status.
  int run(std::vector<Seen> script, TracerOptions options = quiet()) {
    kernel_.script.assign(script.begin(), script.end());
    const std::vector<std::string> specs = {"json:output=" + (folder_ / "events")};
    auto backends = BackendSet::open(specs, {});
    EXPECT_TRUE(backends.ok());
    SyscallSet all;
    all.set();
    Pipeline pipeline(std::move(*backends), DecodeOptions{}, all);
    PrivateDirectory nowhere = PrivateDirectory::none();
    ProgramTables tables({}, nowhere);
    Tracer tracer(std::move(options), tables, pipeline, kernel_);
    (void)tracer.add_first(kFirst);
    auto status = tracer.run();
    pipeline.backends().close();
    return status ? *status : -1;
  }
  void SetUp() override { signal(SIGUSR1, SIG_IGN); }  // the heartbeat
  static TracerOptions quiet() {
    TracerOptions options;
    options.wraps = false;
    return options;
  }
  // "event pid" of each process event.
  [[nodiscard]] std::vector<std::string> events() const {
    std::vector<std::string> all;
    std::istringstream lines(read_file(folder_ / "events"));
    for (std::string line; std::getline(lines, line);) {
      Json event = Json::parse(line);
      if (event["type"] != "process") continue;
      std::string text = event["event"].get<std::string>() + " " +
                         std::to_string(event["pid"].get<pid_t>() - kFirst);
      all.push_back(text);
    }
    return all;
  }
  static Seen exec(pid_t pid) { return {pid, at_event(PTRACE_EVENT_EXEC)}; }

  TemporaryFolder folder_;
  ScriptedKernel kernel_;
};

TEST_F(TracerTest, EndsWithTheStatusOfTheFirstProgram) {
  kernel_.event_messages[kFirst] = kFirst;
  EXPECT_EQ(run({exec(kFirst), {kFirst, exited(7)}}), exited(7));
  EXPECT_THAT(events(), ElementsAre("start 0", "exit 0"));
}

TEST_F(TracerTest, EndsWhereNoTraceeIsLeft) { EXPECT_EQ(run({}), 0); }

TEST_F(TracerTest, ASignalIsDeliveredOnce) {
  run({{kFirst, stopped_by(SIGUSR1)}, {kFirst, exited(0)}});
  std::vector<uint64_t> delivered;
  for (const auto& one : kernel_.requests)
    if (one.what == PTRACE_CONT && one.data != 0) delivered.push_back(one.data);
  EXPECT_THAT(delivered, ElementsAre(SIGUSR1));
}

TEST_F(TracerTest, AGroupStopIsListenedTo) {
  run({{kFirst, stopped_by(SIGTSTP, PTRACE_EVENT_STOP)}, {kFirst, exited(0)}});
  EXPECT_EQ(kernel_.count(PTRACE_LISTEN, kFirst), 1u);
  EXPECT_EQ(kernel_.count(PTRACE_CONT, kFirst), 0u);
}

TEST_F(TracerTest, AChildWhoseParentSpeaksFirst) {
  kernel_.event_messages[kFirst] = kChild;
  run({{kFirst, at_event(PTRACE_EVENT_FORK)},
       {kChild, at_event(PTRACE_EVENT_STOP)},
       {kChild, exited(0)},
       {kFirst, exited(0)}});
  EXPECT_THAT(events(), ElementsAre("fork 0", "exit 1", "exit 0"));
}

TEST_F(TracerTest, AChildThatStopsFirstWaitsForItsParentsEvent) {
  kernel_.event_messages[kFirst] = kChild;
  run({{kChild, at_event(PTRACE_EVENT_STOP)},
       {kFirst, at_event(PTRACE_EVENT_FORK)},
       {kChild, exited(0)},
       {kFirst, exited(0)}});
  EXPECT_THAT(kernel_.claimed, ElementsAre(kChild));
  EXPECT_THAT(events(), ElementsAre("fork 0", "exit 1", "exit 0"));
  EXPECT_EQ(kernel_.count(PTRACE_CONT, kChild), 1u) << "it is resumed once";
}

TEST_F(TracerTest, AThreadThatEndsBeforeItsMakersEventIsNotKeptForEver) {
  kernel_.event_messages[kFirst] = kChild;
  run({{kChild, SIGKILL}, {kFirst, at_event(PTRACE_EVENT_FORK)}, {kFirst, SIGKILL}});
  EXPECT_THAT(events(), ElementsAre("fork 0", "exit 1", "exit 0"));
}

// Its parent was killed before it could say so: it is taken in after some ticks.
TEST_F(TracerTest, AnOrphanIsTakenIn) {
  std::vector<Seen> script = {{kChild, at_event(PTRACE_EVENT_STOP)}};
  // Each of these rounds comes back without a stop, as the heartbeat's signal ends it.
  for (int i = 0; i < 8; i++) script.push_back({-EINTR, 0});
  script.push_back({kFirst, exited(0)});
  kernel_.ticks_between = std::chrono::milliseconds(110);
  run(script);
  EXPECT_EQ(kernel_.count(PTRACE_CONT, kChild), 1u);
}

TEST_F(TracerTest, AnExecOfAnotherThreadTakesTheLeadersPlace) {
  kernel_.event_messages[kFirst] = kOther;
  run({{kFirst, at_event(PTRACE_EVENT_CLONE)},
       {kOther, at_event(PTRACE_EVENT_STOP)},
       exec(kFirst),
       {kFirst, exited(5)}});
  // The thread's own id is gone; what stops now is the leader's, and is resumed.
  EXPECT_EQ(kernel_.count(PTRACE_CONT, kFirst), 2u);
  EXPECT_EQ(kernel_.count(PTRACE_CONT, kOther), 1u);
}

TEST_F(TracerTest, AThreadThatDiesWhereItStandsHarmsNobody) {
  kernel_.event_messages[kFirst] = kChild;
  kernel_.dead = {kChild};
  EXPECT_EQ(run({{kFirst, at_event(PTRACE_EVENT_FORK)},
                 {kChild, at_event(PTRACE_EVENT_STOP)},
                 {kChild, SIGKILL},
                 {kFirst, exited(0)}}),
            0);
  EXPECT_THAT(events(), ElementsAre("fork 0", "exit 1", "exit 0"));
}

}  // namespace
}  // namespace wc
