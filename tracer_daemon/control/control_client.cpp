#include "control/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/scoped_fd.h"
#include "base/text.h"
#include "control/command.h"
#include "control/control_socket.h"
#include "session/unix_socket.h"

namespace wc {
namespace {

constexpr int kRefused = 1, kNoTracer = 2;
constexpr int kPatience = 10'000;  // milliseconds for the tracer to answer

int fail(int status, const std::string& message) {
  std::fprintf(stderr, "wc-ctl: %s\n", printable(message).c_str());
  return status;
}

std::string usage() {
  return "usage: wc-ctl PATH COMMAND...\n"
         "PATH: as in --control PATH of the tracer. Commands:\n" +
         std::string(command_list());
}

// Lines from the tracer. nullopt: it has gone, or says nothing for `patience` milliseconds (-1: as
// long as it takes).
class Incoming {
 public:
  explicit Incoming(int fd) : fd_(fd), buffer_(kLongestLine) {}
  std::optional<std::string> next(int patience) {
    for (;;) {
      if (auto line = buffer_.take_line()) return line;
      if (is_over_) return std::nullopt;
      pollfd readable{fd_, POLLIN, 0};
      const int ready = poll(&readable, 1, patience);
      if (ready == 0 || (ready < 0 && errno != EINTR)) return std::nullopt;
      is_over_ = buffer_.read_from(fd_) == LineBuffer::Input::End;
    }
  }

 private:
  static constexpr size_t kLongestLine = size_t{1} << 26;
  int fd_;
  LineBuffer buffer_;
  bool is_over_ = false;
};

int show(const std::string& answer) {
  const auto value = nlohmann::json::parse(answer, nullptr, false);
  const bool is_answer = value.is_object() && value.contains("ok") && value["ok"].is_boolean();
  if (!is_answer) return fail(kNoTracer, "no tracer answers there: '" + answer + "'");
  if (!value["ok"].get<bool>()) return fail(kRefused, value.value("error", "refused"));
  std::puts(answer.c_str());
  return std::fflush(stdout) == 0 ? 0 : fail(kNoTracer, "cannot write the answer");
}

}  // namespace

int control(std::span<const char* const> arguments) {
  const std::string_view first = arguments.empty() ? "" : arguments.front();
  if (first == "--help" || first == "-h") {
    std::fputs(usage().c_str(), stdout);
    return 0;
  }
  if (arguments.size() < 2) {
    std::fputs(usage().c_str(), stderr);
    return kNoTracer;
  }
  std::string request;
  for (std::string_view word : arguments.subspan(1)) {
    // The tracer may have been started in another folder.
    if (request == "snapshot" && !word.starts_with('/'))
      request += ' ' + std::filesystem::current_path().string() + '/';
    else if (!request.empty())
      request += ' ';
    request += word;
  }
  if (request.find('\n') != std::string::npos)
    return fail(kRefused, "a request is one line; this one has several");
  auto connected = connect_control(std::string(first));
  if (!connected) return fail(kNoTracer, connected.error().message);
  const ScopedFd fd = std::move(*connected);
  // Who is refused may find the connection closed already, and the reason to be read.
  const bool is_sent = send_line(fd.get(), request, kPatience);
  Incoming incoming(fd.get());
  auto answer = incoming.next(kPatience);
  if (!answer)
    return fail(kNoTracer, "the tracer at " + std::string(first) +
                               (is_sent ? " does not answer" : " has gone"));
  if (const int status = show(*answer); status != 0) return status;
  if (arguments[1] != std::string_view("subscribe")) return 0;
  while (auto line = incoming.next(-1))
    if (std::puts(line->c_str()) < 0 || std::fflush(stdout) != 0)
      return fail(kNoTracer, "cannot write what the tracer sends");
  return 0;
}

}  // namespace wc
