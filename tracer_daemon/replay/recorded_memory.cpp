#include "replay/recorded_memory.h"

#include <algorithm>
#include <cstring>

namespace wc {
namespace {

constexpr size_t kMostPieces = 4096;  // of an entry

}  // namespace

std::string_view RecordedMemory::add(uint64_t address, std::string_view bytes) {
  if (pieces_.size() < kMostPieces && !bytes.empty())
    pieces_.push_back({address, std::string(bytes)});
  return bytes;
}

const RecordedMemory::Piece* RecordedMemory::at(uint64_t address) const {
  for (const Piece& piece : pieces_)
    if (address - piece.address < piece.bytes.size()) return &piece;
  return nullptr;
}

size_t RecordedMemory::read(RemoteAddress from, void* to, size_t size) {
  for (size_t i = 0; i < pieces_.size(); i++) {
    const Piece& piece = pieces_[(next_ + i) % pieces_.size()];
    if (piece.address != from.value || piece.bytes.size() != size) continue;
    std::memcpy(to, piece.bytes.data(), size);
    next_ = (next_ + i + 1) % pieces_.size();
    return size;
  }
  size_t got = 0;
  while (got < size) {
    const Piece* piece = at(from.value + got);
    if (piece == nullptr) break;
    const size_t offset = from.value + got - piece->address;
    const size_t count = std::min(size - got, piece->bytes.size() - offset);
    std::memcpy(static_cast<char*>(to) + got, piece->bytes.data() + offset, count);
    got += count;
  }
  return got;
}

}  // namespace wc
