// A raw file, chunk by chunk (docs/raw-format.md). It may end anywhere, and may hold anything:
// chunks are handed out up to the first that is not whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "raw_file.h"

namespace wc {

class RawReader {
 public:
  // Errors: it cannot be opened, is no raw file, or is of a version that this tracer does not know.
  static Result<RawReader> open(const std::string& path);

  struct Piece {
    raw::Kind kind{};
    uint64_t offset = 0;
    std::string_view bytes;  // valid until the next call
  };
  // Nothing behind the last whole one.
  std::optional<Piece> next();

  // When the run has ended, as its directory says; 0: there is none.
  [[nodiscard]] uint64_t ended() const { return ended_; }
  // What is wrong with it, in words; empty: nothing. Known at the end.
  [[nodiscard]] const std::string& missing() const { return missing_; }

 private:
  RawReader(ScopedFd fd, std::string path, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}
  Status read_head();
  void read_end();
  bool read_at(uint64_t offset, void* to, size_t size) const;
  std::optional<Piece> stop(std::string why);
  const char* unpack(const raw::Chunk& chunk);

  ScopedFd fd_;
  std::string path_;
  uint64_t size_ = 0, at_ = 0, ended_ = 0;
  bool has_stopped_ = false;
  std::string bytes_, unpacked_, missing_;
};

}  // namespace wc
