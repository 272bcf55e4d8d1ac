#include "explore/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "measure/child.h"
#include "measure/process_tree.h"

namespace wc::explore {
namespace {

// What a watcher says of its run, through a pipe.
struct Message {
  int status;
  int ended;
  double seconds;
  char doing[400];
  char failure[400];
};

void copy(const std::string& text, char (&to)[400]) {
  std::strncpy(to, text.c_str(), sizeof to - 1);
}

// Longer than killing all of a run takes.
constexpr double kGrace = 30;

bool is_running(pid_t pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

// Of a process whose parent has died this process is the new one: not all of the program is below
// its tracer. The tracer itself executes what this process does.
std::vector<pid_t> program_of(pid_t tracer) {
  std::vector<pid_t> program = measure::program_below(getpid(), false);
  program.erase(std::remove(program.begin(), program.end(), tracer), program.end());
  return program;
}

// The tracer outlives the program for a moment, in which it removes its folder.
void end_program(pid_t tracer) {
  constexpr double kMost = 5;
  for (const double end = measure::now() + kMost; measure::now() < end && is_running(tracer);) {
    for (const pid_t pid : program_of(tracer)) kill(pid, SIGKILL);
    poll(nullptr, 0, 20);
  }
}

Result<measure::Outcome> run_one(const Job& job, measure::Streams streams) {
  Result<measure::Child> child = measure::Child::start(job.command, streams);
  if (!child) return child.error();
  if (child->wait(job.limit)) return child->finish(measure::Strays::Kill);
  const std::string doing = measure::doing(program_of(child->pid()));
  end_program(child->pid());
  measure::Outcome outcome = child->finish(measure::Strays::Kill);
  outcome.doing = doing;
  return outcome;
}

// In a process of its own. Whoever started it may die: then the run ends, too.
[[noreturn]] void watch(const Job& job, measure::Streams streams, int pipe, pid_t parent) {
  Message message{};
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);  // it died before
  if (const Status able = measure::become_subreaper(); !able) {
    copy(able.error().message, message.failure);
  } else if (const auto outcome = run_one(job, streams); !outcome) {
    copy(outcome.error().message, message.failure);
  } else {
    message.status = outcome->status;
    message.ended = outcome->ended ? 1 : 0;
    message.seconds = outcome->wall;
    copy(outcome->doing, message.doing);
  }
  // Less than PIPE_BUF: whole or not at all.
  const bool said = write(pipe, &message, sizeof message) == sizeof message;
  _exit(said ? 0 : 1);
}

class Running {
 public:
  static Result<Running> start(const Job& job, std::size_t index) {
    Running running;
    Result<ScopedFd> out = measure::temporary_file();
    if (!out) return out.error();
    Result<ScopedFd> err = measure::temporary_file();
    if (!err) return err.error();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno("cannot make a pipe", errno);
    running.pipe_ = ScopedFd(ends[0]);
    const ScopedFd write_end(ends[1]);
    const pid_t parent = getpid();
    running.pid_ = fork();
    if (running.pid_ < 0) return Error::from_errno("cannot fork", errno);
    if (running.pid_ == 0) watch(job, {out->get(), err->get()}, write_end.get(), parent);
    running.out_ = std::move(*out);
    running.err_ = std::move(*err);
    running.index_ = index;
    running.deadline_ = measure::now() + job.limit + kGrace;
    return running;
  }

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] int pipe() const { return pipe_.get(); }
  void end() const { kill(pid_, SIGTERM); }
  // A watcher that does not end itself.
  void end_if_late() const {
    if (measure::now() > deadline_) kill(pid_, SIGKILL);
  }

  // Once something can be read, or the watcher is gone.
  Ran finish() {
    Ran ran;
    Message message{};
    if (read(pipe_.get(), &message, sizeof message) != sizeof message)
      copy("the process that watched it died", message.failure);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    ran.status = message.status;
    ran.ended = message.ended != 0;
    ran.seconds = message.seconds;
    ran.doing = message.doing;
    ran.failure = message.failure;
    ran.out = measure::content_of(out_.get());
    ran.err = measure::content_of(err_.get());
    return ran;
  }

 private:
  Running() = default;
  ScopedFd pipe_, out_, err_;
  pid_t pid_ = 0;
  std::size_t index_ = 0;
  double deadline_ = 0;
};

// Until one of them is done, or a second is over.
void wait_for_any(const std::vector<Running>& running) {
  std::vector<pollfd> watched;
  for (const Running& one : running) watched.push_back({one.pipe(), POLLIN, 0});
  poll(watched.data(), watched.size(), 1000);
}

bool is_done(const Running& running) {
  pollfd watched{running.pipe(), POLLIN, 0};
  return poll(&watched, 1, 0) == 1;
}

}  // namespace

std::size_t width_here() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

Status run_all(const std::vector<Job>& jobs, std::size_t width, double deadline,
               const std::function<void(std::size_t, Ran)>& on_done) {
  std::vector<Running> running;
  std::size_t next = 0;
  Status status = Done{};
  bool was_interrupted = false;
  while (true) {
    const bool stops = measure::interrupted_by() != 0 || measure::now() > deadline || !status;
    while (!stops && next < jobs.size() && running.size() < width && status) {
      auto started = Running::start(jobs[next], next);
      ++next;
      if (!started)
        status = started.error();
      else
        running.push_back(std::move(*started));
    }
    if (running.empty()) break;
    // At the terminal they get the signal as this process does, and once more does no harm.
    if (measure::interrupted_by() != 0 && !was_interrupted) {
      was_interrupted = true;
      for (const Running& one : running) one.end();
    }
    wait_for_any(running);
    for (std::size_t i = 0; i < running.size();) {
      running[i].end_if_late();
      if (!is_done(running[i])) {
        ++i;
        continue;
      }
      const std::size_t index = running[i].index();
      Ran ran = running[i].finish();
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      if (measure::interrupted_by() == 0) on_done(index, std::move(ran));
    }
  }
  return status;
}

}  // namespace wc::explore
