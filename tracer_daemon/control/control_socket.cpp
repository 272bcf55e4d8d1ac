#include "control/control_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace wc {

LineBuffer::Input LineBuffer::read_from(int fd) {
  std::array<char, 16384> some;
  const ssize_t size = recv(fd, some.data(), some.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR ? Input::Nothing : Input::End;
  if (size == 0) return Input::End;
  bytes_.append(some.data(), static_cast<size_t>(size));
  const size_t size_of_line = std::min(end_of_line(), bytes_.size());
  return size_of_line > longest_ ? Input::End : Input::Data;
}

size_t LineBuffer::end_of_line() {
  const size_t end = bytes_.find('\n', searched_);
  searched_ = end == std::string::npos ? bytes_.size() : end;
  return end;
}

std::optional<std::string> LineBuffer::take_line() {
  const size_t end = end_of_line();
  if (end == std::string::npos || end > longest_) return std::nullopt;
  std::string line = bytes_.substr(0, end);
  bytes_.erase(0, end + 1);
  searched_ = 0;
  return line;
}

bool send_line(int fd, std::string line, int milliseconds) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      rest.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    pollfd writable{fd, POLLOUT, 0};
    if (poll(&writable, 1, milliseconds) == 0) return false;
  }
  return true;
}

}  // namespace wc
