// A new program at its exec stop: what it was started with is read, LD_PRELOAD is set, and the
// program finds everything else as it was.
#include "program/exec_stack.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <sstream>

#include "base/scoped_fd.h"
#include "protocol/stub.h"

namespace wc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using Words = std::vector<std::string>;

// A program held at its exec stop.
class Tracee {
 public:
  Tracee(const std::string& path, const Words& arguments, const Words& environment) {
    int go[2], output[2];
    if (pipe(go) != 0 || pipe(output) != 0) return;
    std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
    pid_ = fork();
    if (pid_ == 0) {
      char byte;
      close(go[1]);
      if (read(go[0], &byte, 1) != 1) _exit(99);
      dup2(output[1], 1);
      dup2(output[1], 2);
      for (int fd : {go[0], output[0], output[1]}) close(fd);
      execve(path.c_str(), argv.data(), envp.data());
      _exit(98);
    }
    close(go[0]);
    close(output[1]);
    output_ = ScopedFd(output[0]);
    ScopedFd starter(go[1]);
    if ((error_ = seize(Kernel::real(), pid_, Follow::ThreadsOnly)) != 0) return;
    if (write(starter.get(), "x", 1) != 1) return;
    int status = 0;
    if (waitpid(pid_, &status, __WALL) != pid_ || !WIFSTOPPED(status)) return;
    stop_.emplace(stops_, Seen{pid_, status});
    if (stop_->event() != PTRACE_EVENT_EXEC) stop_.reset();
  }
  ~Tracee() {
    if (ended_ || pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, __WALL);
  }

  [[nodiscard]] bool is_stopped() const { return stop_.has_value(); }
  // errno of what was refused.
  [[nodiscard]] int error() const { return error_; }
  StoppedThread& stop() { return *stop_; }
  ProcessMemory memory() { return ProcessMemory(pid_); }
  [[nodiscard]] pid_t pid() const { return pid_; }

  // Lets it run to its end; its exit status, and its output in `output`. -1: not in time.
  int finish(std::string& output) {
    std::move(*stop_).resume(Resume::Run);
    pollfd ready{output_.get(), POLLIN, 0};
    for (;;) {
      char chunk[65536];
      if (poll(&ready, 1, 20'000) != 1) return -1;
      const ssize_t n = read(output_.get(), chunk, sizeof chunk);
      if (n <= 0) break;
      output.append(chunk, static_cast<size_t>(n));
    }
    int status = 0;
    waitpid(pid_, &status, __WALL);
    ended_ = !WIFSTOPPED(status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  static std::vector<char*> pointers(const Words& words) {
    std::vector<char*> result;
    for (const auto& word : words) result.push_back(const_cast<char*>(word.c_str()));
    result.push_back(nullptr);
    return result;
  }

  pid_t pid_ = -1;
  int error_ = 0;
  bool ended_ = false;
  ScopedFd output_;
  Stops stops_{Kernel::real()};
  std::optional<StoppedThread> stop_;
};

Words lines_of(const std::string& text, const std::string& kind) {
  std::istringstream stream(text);
  Words lines;
  for (std::string line; std::getline(stream, line);)
    if (line.rfind(kind, 0) == 0) lines.push_back(line.substr(kind.size()));
  return lines;
}

std::string string_at(ProcessMemory& memory, uint64_t at) {
  std::string text;
  char byte;
  while (memory.read_all({at + text.size()}, &byte, 1) && byte != 0) text.push_back(byte);
  return text;
}

class ExecStackTest : public testing::Test {
 protected:
  void start(const Words& arguments, const Words& environment,
             const std::string& path = EXEC_STACK_PROGRAM) {
    tracee_.emplace(path, arguments, environment);
    if (tracee_->error() == EPERM) GTEST_SKIP() << "ptrace is not allowed here";
    ASSERT_TRUE(tracee_->is_stopped());
    ProcessMemory memory = tracee_->memory();
    auto stack = read_exec_stack(tracee_->stop(), memory);
    ASSERT_TRUE(stack.ok()) << stack.error().message;
    stack_ = *stack;
  }
  // Sets LD_PRELOAD and runs the program to its end.
  void run_with(const std::string& value) {
    ProcessMemory memory = tracee_->memory();
    const Status set = set_ld_preload(tracee_->stop(), memory, stack_, value, WC_PRELOAD_FREE);
    ASSERT_TRUE(set.ok()) << set.error().message;
    EXPECT_EQ(tracee_->finish(output_), 0) << output_.substr(0, 1000);
    for (const char* damage : {"torn", "wrong", "not aligned", "lost", "cannot be preloaded"})
      EXPECT_EQ(output_.find(damage), std::string::npos) << damage;
  }
  [[nodiscard]] Words strings(size_t from, size_t to) {
    ProcessMemory memory = tracee_->memory();
    Words texts;
    for (size_t i = from; i < to; i++) texts.push_back(string_at(memory, stack_.words[i]));
    return texts;
  }

  std::optional<Tracee> tracee_;
  ExecStack stack_;
  std::string output_;
  const std::string library_ = EXEC_STACK_PRELOAD;
};

#define START(...)    \
  start(__VA_ARGS__); \
  if (IsSkipped() || HasFatalFailure()) return

TEST_F(ExecStackTest, ReadsArgumentsAndEnvironment) {
  START({"name", "one", ""}, {"A=1", "LD_LIBRARY_PATH=/x:/y", "B="});
  EXPECT_EQ(stack_.words[0], 3u);
  EXPECT_EQ(stack_.sp % 16, 0u);
  EXPECT_THAT(strings(1, 4), ElementsAre("name", "one", ""));
  EXPECT_EQ(stack_.words[4], 0u);
  EXPECT_THAT(strings(stack_.environment, stack_.environment_end),
              ElementsAre("A=1", "LD_LIBRARY_PATH=/x:/y", "B="));
  EXPECT_EQ(stack_.words[stack_.environment_end], 0u);
  EXPECT_EQ(stack_.ld_library_path, "/x:/y");
  EXPECT_EQ(stack_.ld_preload, "");
  EXPECT_EQ(stack_.ld_preload_index, 0u);
  EXPECT_FALSE(stack_.secure);
  EXPECT_EQ(stack_.words[stack_.words.size() - 2], 0u) << "ends with AT_NULL";
}

TEST_F(ExecStackTest, ReadsTheProgramsOwnPreload) {
  START({"name"}, {"A=1", "LD_PRELOAD=/own.so:/other.so", "LD_PRELOADED=no", "B=2"});
  EXPECT_EQ(stack_.ld_preload, "/own.so:/other.so");
  EXPECT_EQ(stack_.ld_preload_index, stack_.environment + 1);
  EXPECT_EQ(stack_.ld_preload_at, stack_.words[stack_.ld_preload_index]);
}

TEST_F(ExecStackTest, PreloadLongerThanAPageIsReadWhole) {
  const std::string value = "/" + std::string(9000, 'p');
  START({"name"}, {"LD_PRELOAD=" + value, "LD_LIBRARY_PATH=/" + std::string(5000, 'l')});
  EXPECT_EQ(stack_.ld_preload, value);
  EXPECT_EQ(stack_.ld_library_path.size(), 5001u);
}

TEST_F(ExecStackTest, ProgramFindsItsArgumentsAndOurPreload) {
  START({"name", "one", "two words"}, {"A=1", "B=2"});
  run_with(library_);
  EXPECT_THAT(lines_of(output_, "arg "), ElementsAre("name", "one", "two words"));
  Words environment = lines_of(output_, "env ");
  std::sort(environment.begin(), environment.end());
  EXPECT_THAT(environment,
              ElementsAre("A=1", "B=2", "LD_PRELOAD=" + library_, "LD_PRELOAD=" + library_));
  EXPECT_THAT(lines_of(output_, "own "), ElementsAre("-", "-"))
      << "the shim must find the magic word";
}

TEST_F(ExecStackTest, OwnPreloadIsReplacedInItsPlaceAndRemembered) {
  START({"name"}, {"A=1", "LD_PRELOAD=" + library_, "B=2"});
  run_with(library_ + ":" + library_);
  EXPECT_THAT(lines_of(output_, "env "),
              ElementsAre("A=1", "LD_PRELOAD=" + library_ + ":" + library_, "B=2"));
  EXPECT_THAT(lines_of(output_, "own "), ElementsAre("LD_PRELOAD=" + library_));
}

TEST_F(ExecStackTest, PreloadIsVisibleToAnyProgramThatHasNoShim) {
  START({"env"}, {"A=1"}, "/usr/bin/env");
  run_with(library_);
  EXPECT_THAT(lines_of(output_, ""), IsSupersetOf({std::string("A=1"), "LD_PRELOAD=" + library_}));
}

TEST_F(ExecStackTest, OddAndEvenNumbersOfWordsKeepTheAlignment) {
  for (int more = 0; more < 4; more++) {
    START(Words(static_cast<size_t>(1 + more), "x"), {"A=1"});
    output_.clear();
    run_with(library_);
    EXPECT_EQ(lines_of(output_, "arg ").size(), static_cast<size_t>(1 + more));
  }
}

// ld.so's is the last one.
TEST_F(ExecStackTest, LastOfTwoOwnPreloadsIsReplaced) {
  START({"name"}, {"LD_PRELOAD=/first.so", "LD_PRELOAD=" + library_});
  EXPECT_EQ(stack_.ld_preload, library_);
  run_with(library_ + ":" + library_);
  EXPECT_THAT(lines_of(output_, "env "),
              ElementsAre("LD_PRELOAD=/first.so", "LD_PRELOAD=" + library_ + ":" + library_));
}

TEST_F(ExecStackTest, ThousandEntriesSurvive) {
  Words environment;
  for (int i = 0; i < 1000; i++)
    environment.push_back("NAME_" + std::to_string(i) + "=" + std::string(100, 'v'));
  START({"name"}, environment);
  EXPECT_EQ(stack_.environment_end - stack_.environment, 1000u);
  run_with(library_);
  const Words seen = lines_of(output_, "env ");
  EXPECT_EQ(seen.size(), 1002u);
  EXPECT_THAT(seen, IsSupersetOf({environment.front(), environment[499], environment.back()}));
}

// The vectors alone take 480 kB: more than the kernel maps below a new program's stack pointer.
TEST_F(ExecStackTest, SixtyThousandEntriesSurvive) {
  Words environment;
  for (int i = 0; i < 60'000; i++) environment.push_back("N" + std::to_string(i) + "=");
  START({"name"}, environment);
  run_with(library_);
  EXPECT_EQ(lines_of(output_, "env ").size(), 60'002u);
}

TEST_F(ExecStackTest, EmptyEnvironmentGetsItsTwoEntries) {
  START({"name", "x"}, {});
  EXPECT_EQ(stack_.environment, stack_.environment_end);
  run_with(library_);
  EXPECT_THAT(lines_of(output_, "env "),
              ElementsAre("LD_PRELOAD=" + library_, "LD_PRELOAD=" + library_));
  EXPECT_THAT(lines_of(output_, "arg "), ElementsAre("name", "x"));
}

// Linux 5.18 and later give such a program one empty argument.
TEST_F(ExecStackTest, EmptyArgumentVectorIsNoObstacle) {
  START({}, {"A=1"});
  EXPECT_LE(stack_.words[0], 1u);
  run_with(library_);
  EXPECT_THAT(lines_of(output_, "env "), Contains("A=1"));
}

TEST_F(ExecStackTest, LongPreloadValuesArriveWhole) {
  std::string value = library_;
  while (value.size() < 20'000) value += ":" + library_;
  START({"name"}, {"A=1"});
  run_with(value);
  EXPECT_THAT(lines_of(output_, "env LD_PRELOAD="), ElementsAre(value, value));
}

TEST_F(ExecStackTest, ProgramThatIsGoneIsAnErrorNotACrash) {
  START({"name"}, {"A=1"});
  kill(tracee_->pid(), SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(tracee_->pid()), &info, WEXITED | WNOWAIT | __WALL), 0);
  ProcessMemory memory = tracee_->memory();
  const auto again = read_exec_stack(tracee_->stop(), memory);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ESRCH);
  EXPECT_FALSE(set_ld_preload(tracee_->stop(), memory, stack_, "/x.so", 0).ok());
}

}  // namespace
}  // namespace wc
