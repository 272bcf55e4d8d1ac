#include "top/link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "session/unix_socket.h"

namespace wc::top {

Result<Link> Link::connect(const std::string& path) {
  auto address = socket_address(path);
  if (!address) return address.error();
  ScopedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Error::from_errno("socket", errno);
  // A tracer whose queue is full is not waited for for ever.
  const timeval patience{5, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return Error::from_errno("no tracer at " + path, errno);
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return Link(std::move(fd));
}

bool Link::ask(const std::string& request) {
  constexpr int kPatience = 1000;  // milliseconds
  // A line break in it would be two requests.
  if (request.find('\n') != std::string::npos || !send_line(fd_.get(), request, kPatience))
    return false;
  asked_.push_back(request);
  return true;
}

bool Link::receive(const Receiver& receiver) {
  // All that is there, so that the tracer is not kept; but one that never stops must not keep the
  // view.
  constexpr int kMostReads = 1000;  // of 16 KiB
  LineBuffer::Input input = LineBuffer::Input::Data;
  for (int i = 0; i < kMostReads && input == LineBuffer::Input::Data; i++)
    input = buffer_.read_from(fd_.get());
  while (auto line = buffer_.take_line()) {
    auto answer = read_answer(*line);
    if (!answer) {
      receiver.line(*line);
    } else if (!asked_.empty()) {
      const std::string request = std::move(asked_.front());
      asked_.pop_front();
      receiver.answer(request, *answer);
    }
  }
  return input != LineBuffer::Input::End;
}

}  // namespace wc::top
