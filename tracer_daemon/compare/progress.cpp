#include "compare/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "measure/child.h"

namespace wc::compare {
namespace {

constexpr int kCells = 20;

int terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string where(const measure::Step& step) {
  return step.round == 0 ? std::string("warm-up")
                         : fmt::format("round {} of {}", step.round, step.rounds);
}

}  // namespace

std::string bar_text(const measure::Step& step, double seconds_left, int columns) {
  const int full = step.total > 0 ? std::min(kCells, kCells * step.done / step.total) : 0;
  std::string text = fmt::format("[{}{}] {} of {}, {}: {}", std::string(full, '#'),
                                 std::string(kCells - full, '-'), step.done, step.total,
                                 where(step), step.variant);
  if (seconds_left >= 1) text += fmt::format(", {:.0f} s left", seconds_left);
  const auto most = static_cast<std::size_t>(std::max(1, columns - 1));
  return text.substr(0, most);
}

Progress::Progress() : on_terminal_(isatty(STDERR_FILENO) == 1), begin_(measure::now()) {}

Progress::~Progress() {
  if (on_terminal_) dprintf(STDERR_FILENO, "\r\033[K");
}

void Progress::show(const measure::Step& step) {
  if (on_terminal_) {
    const double spent = measure::now() - begin_;
    const double left = step.done > 0 ? spent / step.done * (step.total - step.done) : 0;
    dprintf(STDERR_FILENO, "\r\033[K%s", bar_text(step, left, terminal_columns()).c_str());
    return;
  }
  if (step.round == last_round_) return;
  last_round_ = step.round;
  dprintf(STDERR_FILENO, "wc-preload: comparing, %s\n", where(step).c_str());
}

void Progress::say(const std::string& line) {
  dprintf(STDERR_FILENO, "%swc-preload: %s\n", on_terminal_ ? "\r\033[K" : "", line.c_str());
}

}  // namespace wc::compare
