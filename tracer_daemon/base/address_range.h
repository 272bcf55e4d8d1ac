// A half-open range of addresses in a traced program.
#pragma once

#include <cstdint>

namespace wc {

struct AddressRange {
  uint64_t begin = 0, end = 0;

  [[nodiscard]] bool contains(uint64_t at) const { return at >= begin && at < end; }
  [[nodiscard]] bool empty() const { return begin >= end; }
  [[nodiscard]] uint64_t size() const { return empty() ? 0 : end - begin; }
  friend bool operator==(AddressRange, AddressRange) = default;
};

}  // namespace wc
