// The dynamic section of an ELF file and the tables it points to, found as ld.so(8) finds them:
// through the program headers, because section headers may be stripped, or lie.
//
// Every byte here may be hostile: every table is cut at its segment's end; no table larger than
// kMaxTable is read, so that a sparse file cannot exhaust memory; and the names that are copied
// out share a budget, because a million symbols may all point at one long string.
// Internal to tracer_daemon/elf.
#pragma once

#include <gelf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "elf/image.h"

namespace wc {

constexpr size_t kMaxTable = size_t{64} << 20;  // 2.8 million symbols
constexpr size_t kMaxNames = size_t{64} << 20;  // bytes
constexpr size_t kMaxNeeded = 4096;
constexpr size_t kMaxSearchPath = size_t{64} << 10;

class DynamicTable {
 public:
  // `path` is used in messages only. `elf` must outlive this.
  DynamicTable(Elf* elf, std::vector<GElf_Phdr> segments, std::string path)
      : elf_(elf), segments_(std::move(segments)), path_(std::move(path)) {}

  // Reads the tags and fills `image` with soname, needed, rpath and runpath.
  Status read(const GElf_Phdr& dynamic, Image& image);

  // DF_1_PIE or DT_DEBUG: tags of programs, which tell a static PIE from a shared library.
  [[nodiscard]] bool marked_as_program() const { return flags_1_ & DF_1_PIE || has_debug_tag_; }

  // The functions and the names of the variables that the file exports. After read().
  Status read_exports(Image& image);
  // The names that it does not define itself. After read().
  Status read_references(std::vector<std::string>& names);

 private:
  struct SymbolRange {
    uint64_t first = 0, end = 0;
  };

  [[nodiscard]] Error bad(const std::string& what) const;
  // How many bytes of the file stand behind `address`, at most to its segment's end.
  struct FileRange {
    uint64_t offset = 0, size = 0;
  };
  [[nodiscard]] FileRange file_range(uint64_t address) const;
  Elf_Data* chunk(uint64_t address, uint64_t size, Elf_Type type) const;
  // Empty when the offset lies outside, or when the budget for names is spent.
  [[nodiscard]] std::string string_at(uint64_t offset);

  void read_tags(Elf_Data* data, std::vector<uint64_t>& needed);
  Status read_strings();
  Result<SymbolRange> symbol_range() const;
  Result<SymbolRange> gnu_hash_range() const;
  Result<uint64_t> chain_end(uint64_t chains, uint64_t first_symbol, uint64_t symbol) const;
  Result<std::vector<std::string>> read_versions();
  Result<SymbolRange> reference_range() const;
  Status append_exports(const SymbolRange& range, const std::vector<std::string>& versions,
                        Image& image);

  Elf* elf_;
  std::vector<GElf_Phdr> segments_;  // PT_LOAD only
  std::string path_;
  Elf_Data* strings_ = nullptr;  // owned by elf_
  size_t name_budget_ = kMaxNames;
  bool budget_spent_ = false;
  uint64_t string_table_ = 0, string_size_ = 0, symbols_ = 0, hash_ = 0, gnu_hash_ = 0;
  uint64_t version_indices_ = 0, version_definitions_ = 0, version_definition_count_ = 0;
  uint64_t soname_ = 0, rpath_ = 0, runpath_ = 0, flags_1_ = 0;
  bool has_debug_tag_ = false;
};

}  // namespace wc
