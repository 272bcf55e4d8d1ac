// What was read of a tracee's memory while an entry was recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/tracee_memory.h"

namespace wc {

class RecordedMemory final : public TraceeMemory {
 public:
  void clear() { pieces_.clear(), next_ = 0; }
  std::string_view add(uint64_t address, std::string_view bytes);
  // As it was answered to the same question; to another one, as far as the pieces reach.
  size_t read(RemoteAddress from, void* to, size_t size) override;

 private:
  struct Piece {
    uint64_t address;
    std::string bytes;
  };
  [[nodiscard]] const Piece* at(uint64_t address) const;

  std::vector<Piece> pieces_;
  size_t next_ = 0;
};

}  // namespace wc
