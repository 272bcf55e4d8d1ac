// A struct of the tracee, copied as a whole: one read for all of its fields.
// Internal to tracer_daemon/interpreter.
#pragma once

#include <array>
#include <cstring>
#include <optional>

#include "base/tracee_memory.h"

namespace wc {

class RemoteBlock {
 public:
  static constexpr size_t kMost = 256;

  // Nothing where not all of it can be read.
  static std::optional<RemoteBlock> read(TraceeMemory& memory, uint64_t address, size_t size) {
    RemoteBlock block;
    if (address == 0 || size > kMost || !memory.read_all({address}, block.bytes_.data(), size))
      return std::nullopt;
    block.size_ = size;
    return block;
  }
  // As much as there is; of what nothing can be read the size is 0.
  static RemoteBlock read_beginning(TraceeMemory& memory, uint64_t address) {
    RemoteBlock block;
    if (address != 0) block.size_ = memory.read({address}, block.bytes_.data(), kMost);
    return block;
  }

  [[nodiscard]] size_t size() const { return size_; }
  // False where not all of it was read.
  bool copy(size_t offset, void* to, size_t size) const {
    if (offset > size_ || size > size_ - offset) return false;
    std::memcpy(to, bytes_.data() + offset, size);
    return true;
  }

  // Beyond what was read stand zeros.
  [[nodiscard]] uint64_t word(size_t offset) const { return at<uint64_t>(offset); }
  [[nodiscard]] uint32_t half(size_t offset) const { return at<uint32_t>(offset); }
  [[nodiscard]] uint8_t byte(size_t offset) const { return at<uint8_t>(offset); }

 private:
  template <typename T>
  [[nodiscard]] T at(size_t offset) const {
    T value{};
    if (offset <= kMost - sizeof value) std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::array<unsigned char, kMost> bytes_{};
  size_t size_ = 0;
};

}  // namespace wc
