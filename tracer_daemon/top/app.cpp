#include "top/app.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "session/private_directory.h"
#include "top/child.h"
#include "top/subscriber.h"
#include "top/terminal.h"
#include "top/through.h"
#include "top/view.h"

namespace wc::top {
namespace {

constexpr int kNothingWatched = 2;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// All that the loop wants to hear of; they stay pending until it does.
ScopedFd take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCHLD})
    sigaddset(&set, one);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return ScopedFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

class App {
 public:
  explicit App(const TopOptions& options)
      : options_(options),
        model_(title_of(options), options.whose, options.interval_ms),
        subscriber_(model_, options) {}
  Status open();
  int run();

 private:
  void connect_if_there();
  void wait();
  void draw_if_due();
  void on_keys();
  void perform(const Effect& effect);
  void on_signals();
  void suspend();
  void take_output();
  void on_child_end();
  void end_program();
  void leave(int status);
  int say_why_nothing_was_watched();
  [[nodiscard]] int timeout() const;

  const TopOptions& options_;
  Model model_;
  Subscriber subscriber_;
  std::unique_ptr<Terminal> terminal_;
  std::optional<PrivateDirectory> folder_;  // of the socket, where this view has made it
  std::optional<Child> child_;
  ScopedFd signals_;
  std::string path_;
  bool is_dirty_ = true, is_leaving_ = false, is_passing_ = false, is_child_over_ = false;
  int status_ = 0;
  Clock::time_point drawn_;
};

Status App::open() {
  path_ = options_.path;
  if (options_.whose == Whose::Somebody)
    if (Status watched = subscriber_.connect(path_); !watched) return watched;
  auto terminal = Terminal::open();
  if (!terminal) return terminal.error();
  terminal_ = std::move(*terminal);
  signals_ = take_signals();
  if (options_.whose == Whose::Somebody) return Done{};
  auto folder = PrivateDirectory::create();
  if (!folder) return folder.error();
  folder_.emplace(std::move(*folder));
  path_ = folder_->path() + "/control";
  // Nothing of the program is missed: it starts when this view counts.
  if (options_.whose == Whose::Own) setenv("WC_AWAIT_WATCHER", "1", 1);
  auto child = Child::start(preload_words(options_, path_), terminal_->size());
  if (!child) return child.error();
  child_.emplace(std::move(*child));
  return Done{};
}

void App::connect_if_there() {
  if (model_.state().run != RunState::Starting || subscriber_.is_connected()) return;
  if (access(path_.c_str(), F_OK) != 0) return;
  if (Status watched = subscriber_.connect(path_); !watched)
    model_.say(watched.error().message, true);
  is_dirty_ = true;
}

// What a program prints without pause must not keep the view drawing.
void App::draw_if_due() {
  constexpr milliseconds kPause{40};
  if (!is_dirty_ || Clock::now() - drawn_ < kPause) return;
  model_.page_rows(rows_that_fit(model_, terminal_->size()));
  terminal_->show(draw(model_, terminal_->size()));
  drawn_ = Clock::now();
  is_dirty_ = false;
}

int App::timeout() const {
  constexpr int kSoon = 20;  // milliseconds
  const bool awaits = model_.state().run == RunState::Starting && !subscriber_.is_connected();
  return is_dirty_ || awaits ? kSoon : -1;
}

void App::wait() {
  std::vector<pollfd> all{{STDIN_FILENO, POLLIN, 0},
                          {signals_.get(), POLLIN, 0},
                          {child_ ? child_->terminal() : -1, POLLIN, 0}};
  for (const int fd : subscriber_.descriptors()) all.push_back({fd, POLLIN, 0});
  if (poll(all.data(), all.size(), timeout()) < 0) return;
  if (all[1].revents != 0) on_signals();
  if (all[2].revents != 0) take_output();
  const bool has_lines =
      std::any_of(all.begin() + 3, all.end(), [](const pollfd& one) { return one.revents != 0; });
  if (has_lines) {
    subscriber_.receive();
    is_dirty_ = true;
  }
  if (all[0].revents != 0) on_keys();
  // Nobody looks any more.
  if ((all[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 || terminal_->is_gone()) {
    end_program();
    leave(128 + SIGHUP);
  }
}

int App::run() {
  while (!is_leaving_) {
    draw_if_due();
    wait();
    connect_if_there();
    if (child_ && !is_child_over_ && child_->status()) on_child_end();
  }
  terminal_->leave();
  if (is_child_over_ && !subscriber_.has_been_connected()) return say_why_nothing_was_watched();
  if (is_passing_) return pass_through(*child_, signals_);
  return status_;
}

// The launcher has said why on the terminal that it was given.
int App::say_why_nothing_was_watched() {
  const auto& lines = model_.output().lines();
  for (const std::string& line : lines)
    if (!line.empty()) std::fprintf(stderr, "%s\n", line.c_str());
  return *child_->status();
}

void App::on_keys() {
  while (const auto key = terminal_->next_key()) {
    for (const Effect& effect : model_.press(*key)) perform(effect);
    is_dirty_ = true;
    drawn_ = {};
    if (is_leaving_) return;
  }
}

void App::perform(const Effect& effect) {
  switch (effect.kind) {
    case Effect::Kind::Type:
      return child_ ? child_->write_input(effect.text) : void();
    case Effect::Kind::EndProgram:
      end_program();
      return leave(child_->status().value_or(128 + SIGKILL));
    case Effect::Kind::WaitForProgram:
      is_passing_ = true;
      return leave(0);
    case Effect::Kind::Leave:
      if (options_.whose == Whose::Attached && !is_child_over_) {
        subscriber_.ask("stop");  // the process runs on as it did before
        return leave(0);
      }
      return leave(child_ ? child_->status().value_or(0) : 0);
    default:
      return subscriber_.perform(effect);
  }
}

// First as somebody at a terminal would, then surely. Its output is drained meanwhile: it may wait
// for that. A process that this view has attached to is left, not ended.
void App::end_program() {
  if (!child_ || is_child_over_) return;
  constexpr milliseconds kPatience{3000};
  const auto begun = Clock::now();
  child_->signal(options_.whose == Whose::Own ? SIGTERM : SIGINT);
  while (!child_->status() && Clock::now() - begun < kPatience) {
    pollfd output{child_->terminal(), POLLIN, 0};
    (void)poll(&output, 1, 20);
    model_.printed(child_->read_output());
  }
  if (options_.whose == Whose::Own && !child_->status()) child_->signal(SIGKILL);
}

void App::on_signals() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    is_dirty_ = true;
    if (number == SIGCHLD) continue;  // run() looks
    if (number == SIGTSTP) {
      suspend();
    } else if (number == SIGWINCH) {
      terminal_->adopt_size();
      if (child_) child_->resize(terminal_->size());
    } else {
      terminal_->leave();
      end_program();
      return leave(128 + number);
    }
  }
}

void App::suspend() {
  terminal_->leave();
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  (void)std::signal(SIGTSTP, SIG_DFL);
  raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, nullptr);  // stops here, until SIGCONT
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  terminal_->adopt_size();
  terminal_->repaint();
}

void App::take_output() {
  const std::string bytes = child_->read_output();
  model_.printed(bytes);
  if (model_.state().page == Page::Output) is_dirty_ = true;
}

void App::on_child_end() {
  is_child_over_ = is_dirty_ = true;
  while (child_->terminal() >= 0) {
    const std::string bytes = child_->read_output();
    if (bytes.empty()) break;  // a child of the program may still have the terminal
    model_.printed(bytes);
  }
  subscriber_.receive_rest();
  const int status = *child_->status();
  if (!subscriber_.has_been_connected()) return leave(status);
  if (status > 128 && !subscriber_.has_ended())
    return model_.program_is_over(
        fmt::format("the tracer has been ended by signal {} ({}); q: quit", status - 128,
                    strsignal(status - 128)),
        true);
  if (!subscriber_.has_ended()) {
    model_.trace_is_over(RunState::Ended, "");
    return model_.program_is_over(
        fmt::format("ended with status {}; the last counts have not come; q: quit", status), true);
  }
  model_.program_is_over(options_.whose == Whose::Own
                             ? fmt::format("the program has ended with status {}; q: quit", status)
                             : "the trace has ended; q: quit",
                         false);
}

void App::leave(int status) {
  is_leaving_ = true;
  status_ = status;
}

}  // namespace

int watch(const TopOptions& options) {
  App app(options);
  if (Status opened = app.open(); !opened) {
    std::fprintf(stderr, "wc-top: %s\n", opened.error().message.c_str());
    return kNothingWatched;
  }
  return app.run();
}

}  // namespace wc::top
