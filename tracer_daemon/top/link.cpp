#include "top/link.h"

#include <fcntl.h>

#include "session/unix_socket.h"

namespace wc::top {

Result<Link> Link::connect(const std::string& path) {
  auto fd = connect_control(path);
  if (!fd) return fd.error();
  fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  return Link(std::move(*fd));
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
