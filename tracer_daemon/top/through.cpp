#include "top/through.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace wc::top {
namespace {

// What is typed goes to the program as it is, Ctrl-C too.
class RawInput {
 public:
  RawInput() {
    is_set_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    termios raw = before_;
    cfmakeraw(&raw);
    raw.c_oflag = before_.c_oflag;
    if (is_set_) tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~RawInput() {
    if (is_set_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;

 private:
  termios before_{};
  bool is_set_ = false;
};

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
}

void on_signal(Child& child, const ScopedFd& signals) {
  signalfd_siginfo info{};
  while (read(signals.get(), &info, sizeof info) == sizeof info) {
    winsize window{};
    if (info.ssi_signo == SIGWINCH && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0)
      child.resize({window.ws_col, window.ws_row});
    else if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGWINCH && info.ssi_signo != SIGTSTP)
      child.signal(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace

int pass_through(Child& child, const ScopedFd& signals) {
  RawInput raw;
  bool is_typing = true;
  while (!child.status()) {
    pollfd all[] = {{is_typing ? STDIN_FILENO : -1, POLLIN, 0},
                    {child.terminal(), POLLIN, 0},
                    {signals.get(), POLLIN, 0}};
    if (poll(all, std::size(all), -1) < 0) continue;
    if (all[0].revents != 0) {
      std::array<char, 4096> some;
      const ssize_t size = read(STDIN_FILENO, some.data(), some.size());
      is_typing = size > 0;
      if (is_typing) child.write_input({some.data(), static_cast<size_t>(size)});
    }
    if (all[1].revents != 0) write_all(child.read_output());
    if (all[2].revents != 0) on_signal(child, signals);
  }
  for (std::string rest = child.read_output(); !rest.empty(); rest = child.read_output())
    write_all(rest);
  return *child.status();
}

}  // namespace wc::top
