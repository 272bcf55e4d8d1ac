#include "backend_host/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wc {

namespace {
constexpr size_t kBufferSize = size_t{64} << 10;
}  // namespace

std::unique_ptr<Output> Output::standard_error() {
  return std::unique_ptr<Output>(new Output(ScopedFd(), STDERR_FILENO, "standard error"));
}

// A closed one is held by a descriptor that only names a place (launch/standard_streams.h).
bool Output::has_standard_error() {
  const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
  return flags != -1 && !(flags & O_PATH);
}

Result<std::unique_ptr<Output>> Output::open_file(const std::string& path, Existing existing) {
  constexpr mode_t kMode = 0644;
  const int how = existing == Existing::Append ? O_APPEND : O_TRUNC;
  int fd = -1;
  do {  // a FIFO without a reader waits here, and a signal may interrupt that
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | how | O_CLOEXEC | O_NOCTTY, kMode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return Error::from_errno("cannot write " + path, errno);
  auto output = from_fd(ScopedFd(fd), path);
  output->path_ = path;
  return output;
}

std::unique_ptr<Output> Output::from_fd(ScopedFd fd, std::string name) {
  const int number = fd.get();
  return std::unique_ptr<Output>(new Output(std::move(fd), number, std::move(name)));
}

Output::Output(ScopedFd owned, int fd, std::string name)
    : owned_(std::move(owned)), fd_(fd), name_(std::move(name)) {
  struct stat status = {};
  if (::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
    is_regular_ = true;
  }
  is_terminal_ = ::isatty(fd_) == 1;
  buffer_.reserve(kBufferSize);
}

Output::~Output() { close(); }

uint32_t Output::columns() const {
  winsize size = {};
  if (!is_terminal_ || ::ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

bool Output::is_file(const std::string& path) const {
  struct stat status = {};
  return is_regular_ && ::stat(path.c_str(), &status) == 0 && device_ == status.st_dev &&
         inode_ == status.st_ino;
}

void Output::write(std::string_view bytes) {
  if (discards_) return;
  if (buffer_.size() + bytes.size() > kBufferSize) flush();
  if (bytes.size() >= kBufferSize) {
    write_out(bytes);
  } else {
    buffer_ += bytes;
  }
}

void Output::flush() {
  write_out(buffer_);
  buffer_.clear();
}

void Output::write_out(std::string_view bytes) {
  while (!bytes.empty() && !discards_) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (!recover(errno)) {
      return;
    }
  }
}

bool Output::recover(int code) {
  switch (code) {
    case EINTR:
      return true;
    case EAGAIN: {
      // Somebody made our end non-blocking, perhaps the program that shares standard error.
      // Wait as a blocking write would.
      pollfd ready = {.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
      return true;
    }
    case EPIPE:
      reader_gone_ = true;
      discard();
      return false;
    default:
      fail(code);
      return false;
  }
}

void Output::fail(int code) {
  error_ =
      Error::from_errno("cannot write " + name_, code).message + "; the rest of the trace is lost";
  discard();
}

void Output::discard() {
  discards_ = true;
  buffer_.clear();
}

void Output::close() {
  flush();
  // After close(2) failed the descriptor is gone all the same: never twice.
  const int fd = owned_.release();
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR && !discards_) fail(errno);
  discards_ = true;
}

}  // namespace wc
