#include "measure/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "measure/process_tree.h"

namespace wc::measure {
namespace {

volatile std::sig_atomic_t interrupt = 0;

void on_interrupt(int signal) { interrupt = signal; }

// Of all children that have been waited for, and theirs.
double cpu_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

// A file that was redirected to us is read by each run from its beginning; anything else can be
// read once only, so that nobody gets it.
int open_input() {
  struct stat status {};
  if (fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode)) {
    const int again = open("/proc/self/fd/0", O_RDONLY);
    if (again >= 0) return again;
  }
  return open("/dev/null", O_RDONLY);
}

[[noreturn]] void become(char* const* argv, Streams streams) {
  setsid();
  const int in = open_input();
  const int nothing = open("/dev/null", O_WRONLY);
  dup2(in, STDIN_FILENO);
  dup2(streams.out >= 0 ? streams.out : nothing, STDOUT_FILENO);
  dup2(streams.err >= 0 ? streams.err : nothing, STDERR_FILENO);
  if (in > STDERR_FILENO) close(in);
  if (nothing > STDERR_FILENO) close(nothing);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  execvp(argv[0], argv);
  dprintf(STDERR_FILENO, "%s: %s\n", argv[0], std::strerror(errno));
  _exit(127);
}

}  // namespace

double in_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Status become_subreaper() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0) return Done{};
  return Error::from_errno("cannot become the parent of orphans", errno);
}

int interrupted_by() { return interrupt; }

void take_interrupts() {
  signal(SIGPIPE, SIG_IGN);  // a reader that has gone is no reason to leave files behind
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = on_interrupt;  // no SA_RESTART: poll must end
    sigaction(number, &action, nullptr);
  }
}

Result<Child> Child::start(const std::vector<std::string>& command, Streams streams) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  Child child;
  child.cpu_before_ = cpu_of_children();
  child.begin_ = now();
  child.pid_ = fork();
  if (child.pid_ == 0) become(argv.data(), streams);
  if (child.pid_ < 0) {
    child.finished_ = true;
    return Error::from_errno("cannot fork", errno);
  }
  child.pidfd_ = ScopedFd(static_cast<int>(syscall(SYS_pidfd_open, child.pid_, 0)));
  if (child.pidfd_.valid()) return child;
  const int code = errno;
  child.finish(Strays::Kill);
  return Error::from_errno("cannot watch a child (pidfd_open)", code);
}

// A moved-from Child has no descriptor.
Child::~Child() {
  if (!finished_ && pidfd_.valid()) finish(Strays::Kill);
}

bool Child::wait(double limit) {
  const double end = now() + limit;
  while (!ended_ && interrupt == 0) {
    const double left = end - now();
    if (left < 0) break;
    pollfd watched{pidfd_.get(), POLLIN, 0};
    // In steps: a signal that comes between the look and the poll is seen after one of them.
    const int milliseconds = static_cast<int>(std::ceil(std::min(left, 1.0) * 1e3));
    ended_ = poll(&watched, 1, milliseconds) == 1;
  }
  end_ = now();
  return ended_;
}

Outcome Child::finish(Strays strays) {
  finished_ = true;
  if (end_ == 0) end_ = now();
  Outcome outcome;
  if (!ended_) outcome.doing = doing(processes_below(pid_));
  // Before the leader is reaped: until then the group's number is nobody else's.
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);  // when it had no time to make its group
  while (waitpid(pid_, &outcome.status, 0) < 0 && errno == EINTR) {
  }
  if (strays == Strays::Kill) kill_descendants();
  outcome.ended = ended_;
  outcome.wall = end_ - begin_;
  outcome.cpu = std::max(0.0, cpu_of_children() - cpu_before_ - left_out_);
  return outcome;
}

Result<Outcome> run(const std::vector<std::string>& command, Streams streams, double limit) {
  Result<Child> child = Child::start(command, streams);
  if (!child) return child.error();
  child->wait(limit);
  return child->finish(Strays::Kill);
}

std::string describe_status(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const char* name = sigabbrev_np(number);
  return name != nullptr ? fmt::format("killed by SIG{}", name)
                         : fmt::format("killed by signal {}", number);
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

Result<ScopedFd> temporary_file() {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder != nullptr && *folder != 0 ? folder : "/tmp");
  path += "/wc-measure-XXXXXX";
  ScopedFd fd(mkostemp(path.data(), O_CLOEXEC));
  if (!fd.valid()) return Error::from_errno("cannot create a file like " + path, errno);
  unlink(path.c_str());
  return fd;
}

std::string tail_of(int fd, std::size_t most) {
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) return {};
  const std::size_t length = std::min(most, static_cast<std::size_t>(size));
  std::string text(length, '\0');
  const ssize_t got = pread(fd, text.data(), length, size - static_cast<off_t>(length));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string content_of(int fd) {
  constexpr std::size_t kMost = std::size_t{64} << 20;  // figures are short; this is a bound
  return tail_of(fd, kMost);
}

}  // namespace wc::measure
