// Where a backend's bytes go: standard error or a file.
//
// Writing never fails towards the caller and never raises SIGPIPE's default action in the
// daemon, which ignores that signal. What goes wrong is remembered instead: a reader that
// went away (EPIPE) is nobody's error, anything else is one line for the user. After either
// the rest is discarded, and the traced program goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc {

enum class Existing { Truncate, Append };  // what becomes of a file that is there

class Output {
 public:
  // The daemon's standard error, which stays open.
  static std::unique_ptr<Output> standard_error();
  // Whether the daemon was started with one.
  static bool has_standard_error();
  // Created where it is not there, 0644 minus umask, close-on-exec.
  static Result<std::unique_ptr<Output>> open_file(const std::string& path,
                                                   Existing existing = Existing::Truncate);
  // Takes over `fd`; `name` is for messages.
  static std::unique_ptr<Output> from_fd(ScopedFd fd, std::string name);

  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  void write(std::string_view bytes);
  // Everything reaches the kernel.
  void flush();
  // Whether somebody may see it beside what the program prints. A file that is nobody else's can
  // wait some milliseconds: a write(2) for each line of it is a fifth of what a line costs.
  [[nodiscard]] bool is_watched() const { return !(is_regular_ && owned_.valid()); }
  // Flushes and closes; errors that only show now (NFS, quota) are remembered, too.
  void close();
  // Drops what is buffered and all that follows.
  void discard();

  [[nodiscard]] bool is_terminal() const { return is_terminal_; }
  // Width of the terminal as it is now; 0 where this is none.
  [[nodiscard]] uint32_t columns() const;
  [[nodiscard]] bool reader_gone() const { return reader_gone_; }
  // "cannot write FILE: No space left on device; ...", once; empty when nothing is wrong.
  [[nodiscard]] std::string take_error() { return std::exchange(error_, {}); }
  // Of a file that was opened by its path; else empty.
  [[nodiscard]] const std::string& path() const { return path_; }
  // True when `path` names the regular file that is written here.
  [[nodiscard]] bool is_file(const std::string& path) const;

 private:
  Output(ScopedFd owned, int fd, std::string name);
  void write_out(std::string_view bytes);
  // False when `code` ends the output.
  bool recover(int code);
  void fail(int code);

  ScopedFd owned_;
  int fd_;
  std::string name_;
  std::string path_;
  std::string buffer_;
  std::string error_;
  uint64_t device_ = 0;  // of a regular file
  uint64_t inode_ = 0;
  bool is_regular_ = false;
  bool is_terminal_ = false;
  bool reader_gone_ = false;
  bool discards_ = false;
};

}  // namespace wc
