#include "top/child.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace wc::top {
namespace {

winsize window(Size size) {
  winsize window{};
  window.ws_col = static_cast<unsigned short>(size.width);
  window.ws_row = static_cast<unsigned short>(size.height);
  return window;
}

// The launcher beside this program, as installed; in a build folder the tracer itself.
Result<std::vector<std::string>> launcher() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Error{"/proc/self/exe: " + error.message()};
  const std::string script = self.parent_path() / "wc-preload";
  if (access(script.c_str(), X_OK) == 0) return std::vector<std::string>{script};
  const std::string tracer = self.parent_path() / "wc-tracerd";
  if (access(tracer.c_str(), X_OK) == 0) return std::vector<std::string>{tracer, "run"};
  return Error{"there is neither wc-preload nor wc-tracerd in " + self.parent_path().string() +
               ": install again"};
}

[[noreturn]] void become(char* const* argv, int terminal) {
  // What this view blocks and ignores is not the program's to inherit.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (login_tty(terminal) == 0) execv(argv[0], argv);
  _exit(127);
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& words, Size size) {
  auto all = launcher();
  if (!all) return all.error();
  all->insert(all->end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : *all) argv.push_back(word.data());
  argv.push_back(nullptr);
  const winsize dimensions = window(size);
  int master = -1, slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, &dimensions) != 0)
    return Error::from_errno("cannot make a terminal for the program", errno);
  ScopedFd ours(master), theirs(slave);
  fcntl(master, F_SETFD, FD_CLOEXEC);
  fcntl(master, F_SETFL, O_NONBLOCK);
  const pid_t pid = fork();
  if (pid < 0) return Error::from_errno("cannot start a process", errno);
  if (pid == 0) become(argv.data(), slave);
  return Child(pid, std::move(ours));
}

std::string Child::read_output() {
  std::array<char, 16384> some;
  const ssize_t size = master_.valid() ? read(master_.get(), some.data(), some.size()) : 0;
  if (size > 0) return {some.data(), static_cast<size_t>(size)};
  // EIO: no process has the other end. What it wrote has been read before.
  if (size == 0 || (errno != EAGAIN && errno != EINTR)) master_.reset();
  return {};
}

void Child::write_input(std::string_view bytes) {
  constexpr int kPatience =
      200;  // milliseconds: a program that reads nothing must not hang the view
  while (!bytes.empty() && master_.valid()) {
    const ssize_t size = write(master_.get(), bytes.data(), bytes.size());
    if (size > 0) {
      bytes.remove_prefix(static_cast<size_t>(size));
      continue;
    }
    pollfd writable{master_.get(), POLLOUT, 0};
    if (errno != EAGAIN || poll(&writable, 1, kPatience) <= 0) return;
  }
}

void Child::resize(Size size) {
  const winsize dimensions = window(size);
  if (master_.valid()) ioctl(master_.get(), TIOCSWINSZ, &dimensions);
}

void Child::signal(int number) const {
  if (!status_) kill(pid_, number);
}

std::optional<int> Child::status() {
  siginfo_t info{};
  if (status_ || waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 ||
      info.si_pid == 0)
    return status_;
  status_ = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return status_;
}

}  // namespace wc::top
