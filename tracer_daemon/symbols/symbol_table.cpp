#include "symbols/symbol_table.h"

#include <algorithm>
#include <tuple>

namespace wc {

namespace {

constexpr size_t kMaxName = 64 << 10;
// Functions do not nest deeper than this; a hostile table might.
constexpr int kMaxOverlap = 1024;

// Bits of a rank, worst first.
constexpr uint8_t kWithoutSize = 4;
constexpr uint8_t kNoFunction = 2;
constexpr uint8_t kLocal = 1;

Elf_Scn* section_of_type(Elf* elf, uint32_t type, GElf_Shdr& header) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr)
    if (gelf_getshdr(section, &header) != nullptr && header.sh_type == type) return section;
  return nullptr;
}

Elf_Data* data_of(Elf_Scn* section, const GElf_Shdr& header) {
  return header.sh_size > kMaxSymbolBytes ? nullptr : elf_getdata(section, nullptr);
}

// "_Z3foov", "foo": 0; "__foo": 2; "foo.cold": more than any underscores.
size_t ornament(std::string_view name) {
  if (name.starts_with("_Z")) return 0;
  const size_t underscores = std::min(name.find_first_not_of('_'), name.size());
  constexpr size_t kSuffix = 1000;
  return underscores + (name.find_first_of(".$") != std::string_view::npos ? kSuffix : 0);
}

}  // namespace

// Where the code sections lie: a symbol without size reaches to its section's end at most.
struct SymbolTable::Sections {
  struct Span {
    uint64_t start = 0, end = 0;  // empty unless code
  };
  std::vector<Span> spans;  // by section index

  explicit Sections(Elf* elf) {
    size_t count = 0;
    if (elf_getshdrnum(elf, &count) != 0) return;
    spans.resize(count);
    Elf_Scn* section = nullptr;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
      const size_t index = elf_ndxscn(section);
      if (index >= count || gelf_getshdr(section, &header) == nullptr) continue;
      if ((header.sh_flags & SHF_EXECINSTR) == 0) continue;
      if (header.sh_size <= UINT64_MAX - header.sh_addr)
        spans[index] = {header.sh_addr, header.sh_addr + header.sh_size};
    }
  }
};

SymbolTable SymbolTable::read(Elf* elf, uint32_t section_type) {
  SymbolTable table;
  GElf_Shdr header;
  GElf_Shdr string_header;
  Elf_Scn* section = section_of_type(elf, section_type, header);
  if (section == nullptr) return table;
  Elf_Scn* string_section = elf_getscn(elf, header.sh_link);
  if (string_section == nullptr || gelf_getshdr(string_section, &string_header) == nullptr ||
      string_header.sh_type != SHT_STRTAB)
    return table;
  Elf_Data* symbols = data_of(section, header);
  const Elf_Data* strings = data_of(string_section, string_header);
  if (symbols == nullptr || strings == nullptr || strings->d_buf == nullptr) return table;

  table.strings_.assign(static_cast<const char*>(strings->d_buf), strings->d_size);
  const Sections sections(elf);
  GElf_Sym symbol;
  for (int i = 0; gelf_getsym(symbols, i, &symbol) != nullptr; ++i) table.add(symbol, sections);
  table.finish();
  return table;
}

void SymbolTable::add(const GElf_Sym& symbol, const Sections& sections) {
  const auto type = GELF_ST_TYPE(symbol.st_info);
  const bool function = type == STT_FUNC || type == STT_GNU_IFUNC;
  const bool local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL;
  if (!function && (type != STT_NOTYPE || local)) return;  // labels of hand-written code count
  if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= sections.spans.size()) return;
  const auto& span = sections.spans[symbol.st_shndx];
  if (symbol.st_value < span.start || symbol.st_value >= span.end) return;
  if (symbol.st_name >= strings_.size()) return;
  if (const char first = strings_[symbol.st_name]; first == '\0' || first == '@') return;

  Symbol entry{.start = symbol.st_value, .name = symbol.st_name};
  const uint64_t room = span.end - symbol.st_value;
  entry.end = symbol.st_value + (symbol.st_size == 0 ? room : std::min(symbol.st_size, room));
  entry.rank = static_cast<uint8_t>((symbol.st_size == 0 ? kWithoutSize : 0) |
                                    (function ? 0 : kNoFunction) | (local ? kLocal : 0));
  symbols_.push_back(entry);
}

void SymbolTable::finish() {
  std::ranges::sort(symbols_, {}, &Symbol::start);
  symbols_.shrink_to_fit();
  // A symbol without size ends where the next one begins.
  uint64_t next = UINT64_MAX;
  for (size_t i = symbols_.size(); i-- > 0;) {
    if (i + 1 < symbols_.size() && symbols_[i + 1].start != symbols_[i].start)
      next = symbols_[i + 1].start;
    if ((symbols_[i].rank & kWithoutSize) != 0) symbols_[i].end = std::min(symbols_[i].end, next);
  }
  uint64_t reach = 0;
  for (auto& symbol : symbols_) symbol.reach = reach = std::max(reach, symbol.end);
}

// The linker writes versions into .symtab: "fopen@@GLIBC_2.2.5". "@" can stand nowhere else.
std::string_view SymbolTable::name(const Symbol& symbol) const {
  const std::string_view rest = std::string_view(strings_).substr(symbol.name, kMaxName);
  return rest.substr(0, rest.find_first_of(std::string_view("\0@", 2)));
}

bool SymbolTable::better(const Symbol& a, const Symbol& b) const {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.start != b.start) return a.start > b.start;
  const std::string_view left = name(a);
  const std::string_view right = name(b);
  return std::tuple(ornament(left), left.size(), left) <
         std::tuple(ornament(right), right.size(), right);
}

std::optional<SymbolTable::Found> SymbolTable::find(uint64_t address) const {
  auto at = std::ranges::upper_bound(symbols_, address, {}, &Symbol::start);
  const Symbol* best = nullptr;
  for (int steps = 0; at != symbols_.begin() && steps < kMaxOverlap; ++steps) {
    --at;
    if (at->reach <= address) break;  // nor does any symbol before reach so far
    if (at->end > address && (best == nullptr || better(*at, *best))) best = &*at;
  }
  if (best == nullptr) return std::nullopt;
  return Found{name(*best), best->start};
}

}  // namespace wc
