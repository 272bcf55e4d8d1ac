#include "replay/raw_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wc {

Result<RawReader> RawReader::open(const std::string& path) {
  ScopedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return Error::from_errno("cannot read " + path, errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return Error::from_errno("cannot read " + path, errno);
  if (!S_ISREG(status.st_mode))
    return Error{"cannot replay " + path + ": it is no regular file, and is read more than once"};
  RawReader reader(std::move(fd), path, static_cast<uint64_t>(status.st_size));
  if (Status head = reader.read_head(); !head) return head.error();
  reader.read_end();
  return reader;
}

bool RawReader::read_at(uint64_t offset, void* to, size_t size) const {
  auto* bytes = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = pread(fd_.get(), bytes, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<size_t>(got);
  }
  return true;
}

Status RawReader::read_head() {
  raw::Head head{};
  if (size_ == 0)
    return Error{path_ + " is empty: nothing was recorded, or the tracer was killed at once"};
  if (!read_at(0, &head, sizeof head) || std::memcmp(head.magic, raw::kMagic, sizeof head.magic))
    return Error{path_ + " is no raw file: -b raw:output=FILE writes them"};
  if (head.checksum != raw::checksum(&head, offsetof(raw::Head, checksum)))
    return Error{path_ + " is damaged: the sum of its head is wrong"};
  if (head.major != raw::kMajor)
    return Error{
        fmt::format("{} is a raw file of version {}.{}; this tracer reads version {}.x: "
                    "replay it with the tracer that has recorded it",
                    path_, head.major, head.minor, raw::kMajor)};
  at_ = sizeof head;
  return Done{};
}

// A head whose directory makes no sense is read from the front like one without.
void RawReader::read_end() {
  raw::End end{};
  raw::Chunk chunk{};
  raw::DirectoryHead directory{};
  if (size_ < at_ + sizeof end || !read_at(size_ - sizeof end, &end, sizeof end) ||
      std::memcmp(end.magic, raw::kEndMagic, sizeof end.magic) != 0 ||
      end.directory > size_ - sizeof end || !read_at(end.directory, &chunk, sizeof chunk) ||
      chunk.magic != raw::kChunkMagic ||
      chunk.kind != static_cast<uint32_t>(raw::Kind::Directory) || chunk.size < sizeof directory ||
      !read_at(end.directory + sizeof chunk, &directory, sizeof directory))
    return;
  ended_ = directory.ended;
}

std::optional<RawReader::Piece> RawReader::stop(std::string why) {
  has_stopped_ = true;
  missing_ = std::move(why);
  return std::nullopt;
}

// Of the chunk in bytes_: what is wrong with it; null: nothing.
const char* RawReader::unpack(const raw::Chunk& chunk) {
  if (chunk.flags == 0) return nullptr;
  if (chunk.flags != raw::kZstd)
    return "the chunk is packed in a way that this tracer does not know";
  if (!raw::has_zstd())
    return "it is compressed: install the package libzstd-dev and build the tracer again";
  if (chunk.size > raw::kMostOfChunk) return "a chunk has 1 MiB at most";
  if (!raw::unpack(bytes_, chunk.size, unpacked_)) return "the chunk cannot be unpacked";
  std::swap(bytes_, unpacked_);
  return nullptr;
}

std::optional<RawReader::Piece> RawReader::next() {
  if (has_stopped_) return std::nullopt;
  raw::Chunk chunk{};
  if (at_ == size_ || size_ - at_ < sizeof chunk)
    return stop(
        fmt::format("{} was not finished (the tracer was killed, or the disk was full): "
                    "what came after its byte {} is missing",
                    path_, at_));
  const auto damaged = [&](const char* what) {
    return stop(
        fmt::format("{} is damaged at byte {} ({}): it is read up to there", path_, at_, what));
  };
  if (!read_at(at_, &chunk, sizeof chunk)) return damaged("it cannot be read");
  if (chunk.magic != raw::kChunkMagic) return damaged("no chunk begins there");
  const bool is_directory = chunk.kind == static_cast<uint32_t>(raw::Kind::Directory);
  if (chunk.stored > (is_directory ? uint32_t{1} << 30 : raw::kMostOfChunk))
    return damaged("a chunk has 1 MiB at most");
  if (chunk.stored > size_ - at_ - sizeof chunk)
    return stop(
        fmt::format("{} ends within a chunk (the tracer was killed, or the disk was full): "
                    "what came after its byte {} is missing",
                    path_, at_));
  bytes_.resize(chunk.stored);
  if (!read_at(at_ + sizeof chunk, bytes_.data(), bytes_.size()))
    return damaged("it cannot be read");
  const uint32_t sum = std::exchange(chunk.checksum, 0);
  if (raw::checksum(bytes_.data(), bytes_.size(), raw::checksum(&chunk, sizeof chunk)) != sum)
    return damaged("the sum of the chunk is wrong");
  const uint64_t at = std::exchange(at_, at_ + sizeof chunk + bytes_.size());
  if (const char* wrong = unpack(chunk)) return at_ = at, damaged(wrong);
  const Piece piece{static_cast<raw::Kind>(chunk.kind), at, bytes_};
  if (!is_directory) return piece;
  has_stopped_ = true;
  if (size_ - at_ != sizeof(raw::End)) missing_ = path_ + " has something behind its directory";
  return std::nullopt;
}

}  // namespace wc
