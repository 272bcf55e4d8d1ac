// One connection to the tracer's control socket, by one who never waits for it.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "control/control_socket.h"
#include "top/sample.h"

namespace wc::top {

class Link {
 public:
  static Result<Link> connect(const std::string& path);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // False: the tracer has gone, or does not read.
  bool ask(const std::string& request);

  struct Receiver {
    std::function<void(const std::string& request, const Answer&)> answer;
    std::function<void(const std::string& line)> line;
  };
  // What has come. False: nothing more will.
  bool receive(const Receiver& receiver);

 private:
  explicit Link(ScopedFd fd) : fd_(std::move(fd)) {}
  static constexpr size_t kLongestLine = size_t{1} << 28;

  ScopedFd fd_;
  LineBuffer buffer_{kLongestLine};
  std::deque<std::string> asked_;
};

}  // namespace wc::top
