// A piece of a stopped program's memory that the tracer needs for a moment: what was there is put
// back.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/process_memory.h"

namespace wc {

class BorrowedMemory {
 public:
  // Writes `size` bytes at `at`; ok() says whether they are there.
  BorrowedMemory(ProcessMemory& memory, RemoteAddress at, const void* bytes, size_t size)
      : memory_(memory), at_(at), former_(size) {
    is_read_ = memory.read_all(at, former_.data(), size);
    ok_ = is_read_ && memory.write(at, bytes, size);
  }
  ~BorrowedMemory() {
    // Where this fails the address space is gone.
    if (is_read_) (void)memory_.write(at_, former_.data(), former_.size());
  }
  BorrowedMemory(const BorrowedMemory&) = delete;
  BorrowedMemory& operator=(const BorrowedMemory&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }

 private:
  ProcessMemory& memory_;
  RemoteAddress at_;
  std::vector<uint8_t> former_;
  bool is_read_ = false, ok_ = false;
};

}  // namespace wc
