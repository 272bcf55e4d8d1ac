// The functions of one ELF file by address.
// Internal to tracer_daemon/symbols.
#pragma once

#include <gelf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wc {

// A larger table of symbols is not read: 22 million of them.
inline constexpr uint64_t kMaxSymbolBytes = uint64_t{512} << 20;

class SymbolTable {
 public:
  // From the section of the given type, SHT_SYMTAB or SHT_DYNSYM; empty when there is none or
  // when it is damaged.
  static SymbolTable read(Elf* elf, uint32_t section_type);

  struct Found {
    std::string_view name;  // as in the file, mangled; valid as long as the table
    uint64_t start = 0;
  };
  // The function that covers `address`, which is as in the file. Of several: one with a size, a
  // function, a global one, the innermost, one with a plain name ("write", not "__write").
  [[nodiscard]] std::optional<Found> find(uint64_t address) const;

  [[nodiscard]] bool empty() const { return symbols_.empty(); }
  [[nodiscard]] size_t bytes() const {
    return symbols_.capacity() * sizeof(Symbol) + strings_.capacity();
  }

 private:
  struct Symbol {
    uint64_t start = 0, end = 0;
    uint64_t reach = 0;  // the furthest end of this symbol and all before it
    uint32_t name = 0;   // into strings_
    uint8_t rank = 0;    // less is better
  };
  struct Sections;

  void add(const GElf_Sym& symbol, const Sections& sections);
  void finish();
  [[nodiscard]] std::string_view name(const Symbol& symbol) const;
  [[nodiscard]] bool better(const Symbol& a, const Symbol& b) const;

  std::vector<Symbol> symbols_;  // by start
  std::string strings_;
};

}  // namespace wc
