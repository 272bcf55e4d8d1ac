// The unwind information of one module: .eh_frame_hdr, whose table is searched by address, and
// the .eh_frame it leads to. A copy: the file may change while it is used.
// Internal to tracer_daemon/symbols.
#pragma once

#include <gelf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace wc {

class UnwindTable {
 public:
  // nullptr when there is none, or none with a table that can be searched.
  static std::unique_ptr<UnwindTable> read(int fd, std::span<const GElf_Phdr> headers);
  // That of the vDSO, which every process of a kernel has alike.
  static std::unique_ptr<UnwindTable> of_vdso();

  // Addresses as in the file.
  [[nodiscard]] uint64_t header() const { return header_; }
  [[nodiscard]] uint64_t table() const { return table_; }
  [[nodiscard]] uint64_t entries() const { return entries_; }
  // The word at `address`; false when it is not part of this.
  [[nodiscard]] bool word(uint64_t address, uint64_t& value) const;
  [[nodiscard]] size_t bytes() const { return bytes_.capacity(); }

 private:
  bool parse(uint64_t header);

  uint64_t header_ = 0, table_ = 0, entries_ = 0;
  uint64_t start_ = 0;  // address of bytes_
  std::string bytes_;
};

}  // namespace wc
