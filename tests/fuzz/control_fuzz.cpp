// Any bytes on the control socket are lines, whole and in their order however they come; any line
// is a request or an error of one line that says something.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/command.h"
#include "control/control_socket.h"
#include "control/sample_list.h"
#include "control/subscribe_request.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_error(const wc::Error& error) {
  check(!error.message.empty());
  check(std::ranges::none_of(error.message, [](unsigned char byte) { return byte == '\n'; }));
}

void check_line(std::string_view line) {
  const auto command = wc::parse_command(line);
  if (!command) return check_error(command.error());
  using Verb = wc::ControlCommand::Verb;
  if (command->verb == Verb::Sample) {
    const auto sample = wc::parse_sample_request(command->text);
    if (!sample) return check_error(sample.error());
    check(sample->n >= 1 && sample->weight() >= 1);
    wc::SampleList samples;
    check(samples.add(*sample));
  }
  if (command->verb == Verb::Subscribe) {
    const auto request = wc::parse_subscribe(command->text);
    if (!request) return check_error(request.error());
    check(request->interval_ns >= 100'000'000 && !request->by.empty());
  }
  if (command->verb == Verb::Interval)
    if (const auto interval = wc::parse_interval(command->text); !interval)
      check_error(interval.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static int ends[2] = {-1, -1};
  if (ends[0] < 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  wc::LineBuffer buffer(256);
  std::string lines;
  bool is_over = false;
  for (size_t at = 0; at < size && !is_over;) {
    const size_t some = std::min<size_t>(1 + data[at] % 97, size - at);
    check(send(ends[0], data + at, some, MSG_NOSIGNAL) == static_cast<ssize_t>(some));
    at += some;
    is_over = buffer.read_from(ends[1]) == wc::LineBuffer::Input::End;
    while (auto line = buffer.take_line()) {
      check(line->size() <= 256);
      check_line(*line);
      lines += *line + '\n';
    }
  }
  check(bytes.starts_with(lines));
  if (const auto rest = bytes.substr(lines.size()); rest.find('\n') == rest.npos) check_line(rest);
  return 0;
}
