// Reading memory of a traced program. Addresses of the tracee have a type of
// their own, so that they cannot be dereferenced by mistake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace wc {

struct RemoteAddress {
  uint64_t value = 0;
  friend bool operator==(RemoteAddress, RemoteAddress) = default;
  RemoteAddress operator+(uint64_t n) const { return {value + n}; }
  explicit operator bool() const { return value != 0; }
};

class TraceeMemory {
 public:
  virtual ~TraceeMemory() = default;

  // Copies up to `size` bytes; returns how many could be read before the first
  // unreadable page. Never fails otherwise, never throws.
  virtual size_t read(RemoteAddress from, void* to, size_t size) = 0;

  // The same where only what stands in front of a NUL counts: what is behind it may be missing.
  virtual size_t read_text(RemoteAddress from, char* to, size_t size) {
    return read(from, to, size);
  }

  // True when all `size` bytes were read.
  bool read_all(RemoteAddress from, void* to, size_t size) { return read(from, to, size) == size; }
};

}  // namespace wc
