// Pieces of a stopped program's memory that the tracer needs for a while: what was there is put
// back.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/process_memory.h"

namespace wc {

// How far below a thread's stack pointer such a piece may stand: beyond the red zone of 128 bytes
// (System V ABI, 3.2.2). What is there may be another stack's.
inline constexpr uint64_t kBelowRedZone = 512;

// Over several stops of the thread: whoever keeps it puts it back.
class OverwrittenMemory {
 public:
  // Where it was overwritten before, which must be the same place, what was there at first is kept.
  [[nodiscard]] bool overwrite(ProcessMemory& memory, RemoteAddress at, const void* bytes,
                               size_t size) {
    if (former_.empty()) {
      std::vector<uint8_t> former(size);
      if (!memory.read_all(at, former.data(), size)) return false;
      at_ = at;
      former_ = std::move(former);
    }
    return memory.write(at, bytes, size);
  }
  void put_back(ProcessMemory& memory) const {
    // Where this fails the address space is gone.
    if (!former_.empty()) (void)memory.write(at_, former_.data(), former_.size());
  }

 private:
  RemoteAddress at_{};
  std::vector<uint8_t> former_;
};

// Within one stop.
class BorrowedMemory {
 public:
  // Writes `size` bytes at `at`; ok() says whether they are there.
  BorrowedMemory(ProcessMemory& memory, RemoteAddress at, const void* bytes, size_t size)
      : memory_(memory), ok_(place_.overwrite(memory, at, bytes, size)) {}
  ~BorrowedMemory() { place_.put_back(memory_); }
  BorrowedMemory(const BorrowedMemory&) = delete;
  BorrowedMemory& operator=(const BorrowedMemory&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }

 private:
  ProcessMemory& memory_;
  OverwrittenMemory place_;
  bool ok_;
};

}  // namespace wc
