// Source lines of one ELF file or separate debug file, by libdw.
// Internal to tracer_daemon/symbols.
#pragma once

#include <elfutils/libdw.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/scoped_fd.h"
#include "elf/elf_handle.h"

namespace wc {

class LineTable {
 public:
  // nullptr when the file has no line table, or more debug information than may be read. All of
  // it is read into memory, because a mapped file that is truncated kills its reader. `libdwfl`
  // is not used: it would ask debuginfod servers, which may take minutes.
  static std::unique_ptr<LineTable> open(ScopedFd fd, const std::string& path);

  struct Line {
    std::string file;  // base name
    uint32_t number = 0;
  };
  std::optional<Line> find(uint64_t address);

  // The compilation unit that has code there; false when none says so.
  bool unit_of(uint64_t address, Dwarf_Die& unit);
  // The entry at `offset` of .debug_info.
  bool entry_at(Dwarf_Off offset, Dwarf_Die& entry) {
    return dwarf_offdie(dwarf_.get(), offset, &entry) != nullptr;
  }

  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Unit {
    uint64_t start = 0, end = 0;
    Dwarf_Off entry = 0;
  };
  struct DwarfCloser {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
  };

  void list_units();

  ElfHandle elf_;
  std::unique_ptr<Dwarf, DwarfCloser> dwarf_;  // ends before elf_
  size_t bytes_ = 0;
  bool units_listed_ = false;
  std::vector<Unit> units_;  // by start
};

}  // namespace wc
