// The lines on the socket of --control, for both ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace wc {

inline constexpr size_t kMaxRequest = 64 * 1024;  // bytes of a line to the tracer

// Bytes as they come, cut into lines.
class LineBuffer {
 public:
  explicit LineBuffer(size_t longest = kMaxRequest) : longest_(longest) {}
  enum class Input { Data, Nothing, End };
  // What the descriptor has, without waiting. End: the peer is gone, or a line is too long.
  Input read_from(int fd);
  std::optional<std::string> take_line();

 private:
  size_t end_of_line();

  size_t longest_;
  size_t searched_ = 0;  // bytes in front of it end no line
  std::string bytes_;
};

// All of it, or false. `milliseconds`: how long to wait for a peer that does not read.
bool send_line(int fd, std::string line, int milliseconds);

}  // namespace wc
