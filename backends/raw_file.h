// The frame of a raw file (docs/raw-format.md): a head, chunks, and at the end a directory of them.
// Numbers are little-endian. Shared by who writes it (raw.cpp) and who reads it (replay/).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wc_backend.h"

namespace wc::raw {

static_assert(std::endian::native == std::endian::little);

// As PNG's: a transfer as text, or cut to seven bits, destroys it at once.
inline constexpr unsigned char kMagic[8] = {0x89, 'W', 'C', 'R', '\r', '\n', 0x1a, '\n'};
inline constexpr uint16_t kMajor = 1, kMinor = 0;
inline constexpr uint32_t kChunkMagic = 0x4b4e4843;  // "CHNK"
inline constexpr size_t kMostOfChunk = size_t{1} << 20;

struct Head {
  unsigned char magic[8];
  uint16_t major, minor;
  uint32_t checksum;  // CRC-32C of what stands in front of it
};
static_assert(sizeof(Head) == 16);

enum class Kind : uint32_t {
  Run = 1,        // what run this is
  Events = 2,     // entries
  Directory = 3,  // where all chunks are; the last one
  Kept = 4,       // entries that a flight recorder has kept: each begins anew
};

enum Flag : uint32_t { kZstd = 1 };  // the bytes are compressed

struct Chunk {
  uint32_t magic;
  uint32_t kind;    // enum Kind
  uint32_t thread;  // whose entries these are; 0: several threads'
  uint32_t flags;   // enum Flag
  uint32_t stored;  // bytes that follow
  uint32_t size;    // of them when they are not compressed
  uint32_t entries;
  uint32_t checksum;  // CRC-32C of this head, with 0 here, and of the bytes
  uint64_t ts;        // of its first entry
};
static_assert(sizeof(Chunk) == 40);

struct DirectoryHead {
  uint64_t began, ended;  // of the run, CLOCK_MONOTONIC
  uint64_t chunks;
};
struct DirectoryRow {
  uint64_t offset, ts;
  uint32_t kind, thread, entries, reserved;
};
static_assert(sizeof(DirectoryHead) == 24 && sizeof(DirectoryRow) == 32);

inline constexpr unsigned char kEndMagic[8] = {'W', 'C', 'R', 'E', 'N', 'D', '\r', '\n'};
struct End {
  uint64_t directory;  // its offset
  unsigned char magic[8];
};
static_assert(sizeof(End) == 16);

// CRC-32C (Castagnoli) of `size` bytes behind those of which `before` is the sum.
uint32_t checksum(const void* data, size_t size, uint32_t before = 0);

// Whether this build can pack and unpack chunks: it has libzstd.
bool has_zstd();
// Empty where that makes nothing smaller.
std::string_view pack(const void* data, size_t size, std::string& to);
// The bytes of a packed chunk, of which there are `size`; false where these are none.
bool unpack(std::string_view packed, size_t size, std::string& to);

enum class Packing { None, Zstd };

// Frames what the tracer hands out.
class Writer {
 public:
  using Write = std::function<void(const void* data, size_t size)>;
  explicit Writer(Write write, Packing packing = Packing::None)
      : write_(std::move(write)), packing_(packing) {}

  void take(const wc_raw& piece);
  // The directory; nothing, where nothing was taken. In nanoseconds.
  void finish(uint64_t began, uint64_t ended);

 private:
  void put(const void* data, size_t size);
  void put_chunk(uint32_t kind, const wc_raw& piece);

  Write write_;
  Packing packing_;
  std::string packed_;  // scratch
  uint64_t offset_ = 0;
  std::vector<DirectoryRow> rows_;
};

}  // namespace wc::raw
