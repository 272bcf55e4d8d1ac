#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/scoped_fd.h"
#include "launch/launch.h"

namespace wc {
namespace {

constexpr const char* kVariable = "WC_LAUNCHER";

// NUL-terminated strings one after the other, as in /proc/PID/environ. Lives as long as `environ`.
std::string text;
std::vector<char*> entries;

// What the launcher has left open in this process.
struct Launcher {
  ScopedFd pipe;    // holds the environment
  ScopedFd script;  // the launcher's own file, in some shells
};

// A decimal number up to `stop`, which is skipped; empty or nonsense: -1.
int number_until(std::string_view& words, char stop) {
  std::string_view digits = words.substr(0, words.find(stop));
  words.remove_prefix(std::min(words.size(), digits.size() + 1));
  int number = -1;
  const char* end = digits.data() + digits.size();
  auto parsed = std::from_chars(digits.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? number : -1;
}

// "PID:PIPE:SCRIPT". An exec keeps the pid, so only what this process's own launcher has written is
// believed: a variable that a user has set, or that was inherited, names somebody else's
// descriptors.
std::optional<Launcher> launcher_in(std::string_view words) {
  if (number_until(words, ':') != getpid()) return std::nullopt;
  auto taken = [](int fd) { return ScopedFd(fd > STDERR_FILENO ? fd : -1); };
  Launcher launcher;
  launcher.pipe = taken(number_until(words, ':'));
  launcher.script = taken(number_until(words, ':'));
  return launcher;
}

// Whoever holds a pipe's other end could keep this process waiting: nothing here waits.
bool read_all(int fd, std::string& bytes) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !(S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode)))
    return false;
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return false;
  char chunk[16384];
  ssize_t n;
  while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) bytes.append(chunk, static_cast<size_t>(n));
  return n == 0;
}

// The here-document's own line stands in front. False: not what a launcher writes.
bool is_complete(const std::string& bytes) {
  return !bytes.empty() && bytes.front() == '\n' && (bytes.size() == 1 || bytes.back() == '\0');
}

}  // namespace

void restore_environment() {
  const char* value = std::getenv(kVariable);
  if (value == nullptr) return;
  auto launcher = launcher_in(value);
  if (!launcher) return;
  bool whole = launcher->pipe.valid() && read_all(launcher->pipe.get(), text) && is_complete(text);
  if (!whole) {
    unsetenv(kVariable);
    return;
  }
  for (size_t at = 1; at < text.size(); at = text.find('\0', at) + 1) entries.push_back(&text[at]);
  entries.push_back(nullptr);
  environ = entries.data();
}

bool take_watcher_request() {
  constexpr const char* kRequest = "WC_AWAIT_WATCHER";
  const bool is_there = std::getenv(kRequest) != nullptr;
  if (is_there) unsetenv(kRequest);
  return is_there;
}

}  // namespace wc
