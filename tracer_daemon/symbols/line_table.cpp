#include "symbols/line_table.h"

#include <elfutils/libdwelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <new>
#include <string_view>

namespace wc {

namespace {

constexpr uint64_t kMaxDebugBytes = uint64_t{1} << 30;
constexpr size_t kMinRoom = size_t{2} << 20;
constexpr size_t kMaxUnits = 4 << 20;  // ranges, over all compilation units

struct DebugSections {
  uint64_t bytes = 0;
  bool has_lines = false;
};

DebugSections measure(Elf* elf) {
  DebugSections sections;
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return sections;
  Elf_Scn* section = nullptr;
  GElf_Shdr header;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
    const char* text = elf_strptr(elf, names, header.sh_name);
    const std::string_view name = text != nullptr ? text : "";
    if (!name.starts_with(".debug_") && !name.starts_with(".zdebug_")) continue;
    uint64_t size = header.sh_size;
    GElf_Chdr compressed;
    if ((header.sh_flags & SHF_COMPRESSED) != 0 && gelf_getchdr(section, &compressed) != nullptr)
      size = compressed.ch_size;
    if (size > kMaxDebugBytes) size = kMaxDebugBytes + 1;
    sections.bytes = std::min(sections.bytes + size, kMaxDebugBytes + 1);
    sections.has_lines |= name.ends_with("debug_line");
  }
  return sections;
}

// libdw opens the file that the debug information shares with others (dwz(1)) by itself, and would
// wait for ever for the writer of a pipe.
bool shares_with_no_file(Dwarf* dwarf, const std::string& path) {
  const char* name = nullptr;
  const void* id = nullptr;
  if (dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) <= 0) return false;
  const std::string folder = *name == '/' ? "" : path.substr(0, path.rfind('/') + 1);
  struct stat status {};
  return ::stat((folder + name).c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

}  // namespace

std::unique_ptr<LineTable> LineTable::open(ScopedFd fd, const std::string& path) {
  auto elf = open_elf(fd.get(), path);
  if (!elf) return nullptr;
  const DebugSections sections = measure(elf->get());
  if (!sections.has_lines || sections.bytes > kMaxDebugBytes) return nullptr;

  auto table = std::make_unique<LineTable>();
  table->elf_ = std::move(*elf);
  table->dwarf_.reset(dwarf_begin_elf(table->elf_.get(), DWARF_C_READ, nullptr));
  if (table->dwarf_ == nullptr || shares_with_no_file(table->dwarf_.get(), path)) return nullptr;
  // Else libdw ends the process with words of its own.
  dwarf_new_oom_handler(table->dwarf_.get(), [] { throw std::bad_alloc(); });
  // Nor has its table of abbreviations a word: it aborts. Not begun where there is no room for it.
  void* const volatile room = ::operator new(kMinRoom + sections.bytes / 8);
  ::operator delete(room);
  // dwarf_begin_elf has read every section that it will need: keep no descriptor for a module.
  elf_cntl(table->elf_.get(), ELF_C_FDDONE);
  table->bytes_ = sections.bytes;
  return table;
}

std::optional<LineTable::Line> LineTable::find(uint64_t address) {
  Dwarf_Die unit;
  if (!unit_of(address, unit)) return std::nullopt;
  Dwarf_Line* line = dwarf_getsrc_die(&unit, address);
  int number = 0;
  if (line == nullptr || dwarf_lineno(line, &number) != 0 || number <= 0) return std::nullopt;
  const char* source = dwarf_linesrc(line, nullptr, nullptr);
  if (source == nullptr) return std::nullopt;
  const std::string_view path = source;
  return Line{std::string(path.substr(path.rfind('/') + 1)), static_cast<uint32_t>(number)};
}

// .debug_aranges is an index that some compilers (clang) leave out, for all files or for theirs.
bool LineTable::unit_of(uint64_t address, Dwarf_Die& unit) {
  if (dwarf_addrdie(dwarf_.get(), address, &unit) != nullptr) return true;
  if (!units_listed_) list_units();
  const auto behind = std::ranges::upper_bound(units_, address, {}, &Unit::start);
  if (behind == units_.begin()) return false;
  const Unit& found = *std::prev(behind);
  return address < found.end && dwarf_offdie(dwarf_.get(), found.entry, &unit) != nullptr;
}

void LineTable::list_units() {
  units_listed_ = true;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die entry;
  while (units_.size() < kMaxUnits &&
         dwarf_get_units(dwarf_.get(), unit, &unit, nullptr, nullptr, &entry, nullptr) == 0) {
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    ptrdiff_t next = 0;
    while (units_.size() < kMaxUnits &&
           (next = dwarf_ranges(&entry, next, &base, &start, &end)) > 0)
      if (start < end) units_.push_back({start, end, dwarf_dieoffset(&entry)});
  }
  std::ranges::sort(units_, {}, &Unit::start);
  units_.shrink_to_fit();
  bytes_ += units_.capacity() * sizeof(Unit);
}

}  // namespace wc
