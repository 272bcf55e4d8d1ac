// One mapped file: what stands at which offset. Shared by all processes that map it.
// Internal to tracer_daemon/symbols.
#pragma once

#include <gelf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scoped_fd.h"
#include "symbols/function_list.h"
#include "symbols/line_table.h"
#include "symbols/symbol_table.h"
#include "symbols/symbolizer.h"
#include "symbols/unwind_table.h"

namespace wc {

class Module {
 public:
  // `name` as in the map, `path` where the file can be opened (again).
  Module(std::string name, std::string path, std::string debug_root)
      : name_(std::move(name)), path_(std::move(path)), debug_root_(std::move(debug_root)) {}

  // nullptr when this offset was not looked up before.
  [[nodiscard]] const Location* cached(uint64_t file_offset) const {
    const auto found = locations_.find(file_offset);
    return found == locations_.end() ? nullptr : &found->second;
  }

  // The location of the return address at `file_offset`. Reads symbols and lines if they are not
  // there.
  const Location& locate(uint64_t file_offset);

  // Where the byte at `file_offset` of a loaded segment stands, as in the file.
  [[nodiscard]] std::optional<uint64_t> address_of(uint64_t file_offset);
  // nullptr when it has none.
  const UnwindTable* unwind_table();

  // Symbols and lines are large. They can be dropped, and are read again when needed.
  [[nodiscard]] size_t table_bytes() const;
  void drop_tables();
  void drop_locations() { locations_.clear(); }

  uint64_t last_read = 0;  // the owner's clock: when the tables were used last

 private:
  void read_tables();
  void read_segments();

  std::string name_, path_, debug_root_;
  std::unordered_map<uint64_t, Location> locations_;  // by file offset of the return address
  bool tables_read_ = false;
  bool segments_read_ = false;
  bool unwind_read_ = false;
  std::vector<GElf_Phdr> segments_;  // PT_LOAD, executable first
  std::unique_ptr<UnwindTable> unwind_;
  SymbolTable symbols_;
  std::unique_ptr<LineTable> lines_;
};

}  // namespace wc
