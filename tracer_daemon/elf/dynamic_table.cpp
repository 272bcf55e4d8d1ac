#include "elf/dynamic_table.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace wc {

namespace {

// Bit 15 of a version index says "hidden": only old programs that name the version bind to it.
constexpr uint16_t kHiddenVersion = 0x8000;
constexpr uint64_t kMaxVersions = 0x7fff;
constexpr size_t kMaxVersionName = 128;

constexpr uint16_t kFirstVersion = 2;  // 0 and 1 mean the file itself

bool is_exported(const GElf_Sym& symbol) {
  const auto bind = GELF_ST_BIND(symbol.st_info);
  const auto visibility = GELF_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF &&
         (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

bool is_function(const GElf_Sym& symbol) {
  const auto type = GELF_ST_TYPE(symbol.st_info);
  return type == STT_FUNC || type == STT_GNU_IFUNC;
}

uint32_t word_at(const Elf_Data* data, uint64_t index) {
  uint32_t word = 0;
  std::memcpy(&word, static_cast<const char*>(data->d_buf) + index * sizeof word, sizeof word);
  return word;
}

}  // namespace

Error DynamicTable::bad(const std::string& what) const {
  return Error{path_ + ": damaged ELF file: " + what, ENOEXEC};
}

DynamicTable::FileRange DynamicTable::file_range(uint64_t address) const {
  for (const auto& segment : segments_) {
    if (address < segment.p_vaddr) continue;
    const uint64_t into = address - segment.p_vaddr;
    if (into < segment.p_filesz && segment.p_offset <= UINT64_MAX - into)
      return {segment.p_offset + into, segment.p_filesz - into};
  }
  return {};
}

Elf_Data* DynamicTable::chunk(uint64_t address, uint64_t size, Elf_Type type) const {
  const FileRange range = file_range(address);
  if (size == 0 || size > range.size || size > kMaxTable || range.offset > INT64_MAX)
    return nullptr;
  return elf_getdata_rawchunk(elf_, static_cast<int64_t>(range.offset), size, type);
}

std::string DynamicTable::string_at(uint64_t offset) {
  if (strings_ == nullptr || offset >= strings_->d_size) return {};
  const char* from = static_cast<const char*>(strings_->d_buf) + offset;
  const size_t length = strnlen(from, strings_->d_size - offset);
  if (length > name_budget_) budget_spent_ = true;
  if (budget_spent_) return {};
  name_budget_ -= length;
  return {from, length};
}

Status DynamicTable::read(const GElf_Phdr& dynamic, Image& image) {
  const uint64_t entry = gelf_fsize(elf_, ELF_T_DYN, 1, EV_CURRENT);
  const uint64_t size = dynamic.p_filesz / entry * entry;
  if (size == 0 || size > kMaxTable || dynamic.p_offset > INT64_MAX)
    return bad("the dynamic section has an impossible size");
  Elf_Data* data =
      elf_getdata_rawchunk(elf_, static_cast<int64_t>(dynamic.p_offset), size, ELF_T_DYN);
  if (data == nullptr) return bad("the dynamic section lies outside of the file");

  std::vector<uint64_t> needed;
  read_tags(data, needed);
  if (auto strings = read_strings(); !strings.ok()) return strings;
  if (needed.size() > kMaxNeeded) return bad("it needs an impossible number of libraries");
  for (const uint64_t offset : needed) {
    std::string name = string_at(offset);
    if (name.empty()) return bad("the name of a needed library lies outside of the string table");
    image.needed.push_back(std::move(name));
  }
  if (soname_ != 0) image.soname = string_at(soname_);
  if (rpath_ != 0) image.rpath = string_at(rpath_);
  if (runpath_ != 0) image.runpath = string_at(runpath_);
  if (image.rpath.size() > kMaxSearchPath || image.runpath.size() > kMaxSearchPath)
    return bad("its library search path is impossibly long");
  return Done{};
}

void DynamicTable::read_tags(Elf_Data* data, std::vector<uint64_t>& needed) {
  GElf_Dyn tag;
  for (int i = 0; gelf_getdyn(data, i, &tag) != nullptr && tag.d_tag != DT_NULL; ++i) {
    const uint64_t value = tag.d_un.d_val;
    switch (tag.d_tag) {
      case DT_NEEDED:
        needed.push_back(value);
        break;
      case DT_SONAME:
        soname_ = value;
        break;
      case DT_RPATH:
        rpath_ = value;
        break;
      case DT_RUNPATH:
        runpath_ = value;
        break;
      case DT_STRTAB:
        string_table_ = value;
        break;
      case DT_STRSZ:
        string_size_ = value;
        break;
      case DT_SYMTAB:
        symbols_ = value;
        break;
      case DT_HASH:
        hash_ = value;
        break;
      case DT_GNU_HASH:
        gnu_hash_ = value;
        break;
      case DT_VERSYM:
        version_indices_ = value;
        break;
      case DT_VERDEF:
        version_definitions_ = value;
        break;
      case DT_VERDEFNUM:
        version_definition_count_ = value;
        break;
      case DT_FLAGS_1:
        flags_1_ = value;
        break;
      case DT_DEBUG:
        has_debug_tag_ = true;
        break;
      default:
        break;
    }
  }
}

Status DynamicTable::read_strings() {
  if (string_table_ == 0 || string_size_ == 0) return Done{};  // a file that names nothing
  strings_ = chunk(string_table_, string_size_, ELF_T_BYTE);
  if (strings_ == nullptr) return bad("the string table lies outside of the file");
  return Done{};
}

Status DynamicTable::read_exports(Image& image) {
  auto range = symbol_range();
  if (!range) return range.error();
  auto versions = read_versions();
  if (!versions) return versions.error();
  if (range->end == range->first) return Done{};
  auto appended = append_exports(*range, *versions, image);
  if (appended.ok() && budget_spent_) return bad("the names of its symbols are impossibly long");
  image.functions.shrink_to_fit();  // the images of libraries stay in memory
  image.variables.shrink_to_fit();
  return appended;
}

Status DynamicTable::read_references(std::vector<std::string>& names) {
  auto range = reference_range();
  if (!range) return range.error();
  if (range->end <= range->first) return Done{};
  Elf_Data* symbols = chunk(symbols_, range->end * sizeof(Elf64_Sym), ELF_T_SYM);
  if (symbols == nullptr) return bad("the symbol table lies outside of the file");
  GElf_Sym symbol;
  for (int i = 0; !budget_spent_ && gelf_getsym(symbols, i, &symbol) != nullptr; ++i) {
    if (symbol.st_shndx != SHN_UNDEF || symbol.st_name == 0) continue;
    if (std::string name = string_at(symbol.st_name); !name.empty())
      names.push_back(std::move(name));
  }
  return Done{};
}

Status DynamicTable::append_exports(const SymbolRange& range,
                                    const std::vector<std::string>& versions, Image& image) {
  const uint64_t count = range.end - range.first;
  constexpr uint64_t kEntry = sizeof(Elf64_Sym);  // functions are read of 64-bit files only
  Elf_Data* symbols = chunk(symbols_ + range.first * kEntry, count * kEntry, ELF_T_SYM);
  if (symbols == nullptr) return bad("the symbol table lies outside of the file");
  Elf_Data* indices = nullptr;
  if (version_indices_ != 0) {
    indices = chunk(version_indices_ + range.first * sizeof(GElf_Half), count * sizeof(GElf_Half),
                    ELF_T_HALF);
    if (indices == nullptr) return bad("the version table lies outside of the file");
  }

  image.functions.reserve(count);
  GElf_Sym symbol;
  for (int i = 0; !budget_spent_ && gelf_getsym(symbols, i, &symbol) != nullptr; ++i) {
    if (!is_exported(symbol)) continue;
    ExportedFunction function{.name = string_at(symbol.st_name), .address = symbol.st_value};
    if (function.name.empty()) continue;
    if (!is_function(symbol)) {
      image.variables.push_back(std::move(function.name));
      continue;
    }
    function.ifunc = GELF_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC;
    GElf_Versym version = 0;
    if (indices != nullptr && gelf_getversym(indices, i, &version) != nullptr) {
      function.default_version = (version & kHiddenVersion) == 0;
      const uint64_t index = version & kMaxVersions;
      if (index < versions.size()) function.version = versions[index];
      function.oldest_version = index == kFirstVersion;
    }
    image.functions.push_back(std::move(function));
  }
  return Done{};
}

// The number of dynamic symbols is written nowhere but in the hash tables. Without one, ld.so
// finds no symbol either.
Result<DynamicTable::SymbolRange> DynamicTable::symbol_range() const {
  SymbolRange range;
  if (gnu_hash_ != 0) {
    auto found = gnu_hash_range();
    if (!found) return found;
    range = *found;
  } else if (hash_ != 0) {
    Elf_Data* header = chunk(hash_, 2 * sizeof(uint32_t), ELF_T_WORD);
    if (header == nullptr) return bad("the hash table lies outside of the file");
    range = {0, word_at(header, 1)};  // nchain equals the number of symbols
  }
  if (range.end > kMaxTable / sizeof(Elf64_Sym)) return bad("the symbol table is impossibly large");
  return range;
}

// A GNU hash table has the defined symbols only, and they stand behind all others.
Result<DynamicTable::SymbolRange> DynamicTable::reference_range() const {
  const uint64_t table = gnu_hash_ != 0 ? gnu_hash_ : hash_;
  if (table == 0) return SymbolRange{};
  Elf_Data* header = chunk(table, 2 * sizeof(uint32_t), ELF_T_WORD);
  if (header == nullptr) return bad("the hash table lies outside of the file");
  const uint64_t end = word_at(header, 1);
  if (end > kMaxTable / sizeof(Elf64_Sym)) return bad("the symbol table is impossibly large");
  return SymbolRange{0, end};
}

// Symbols before the table's first one are undefined; the last one ends the chain of the bucket
// that begins last.
Result<DynamicTable::SymbolRange> DynamicTable::gnu_hash_range() const {
  constexpr uint64_t kHeader = 4 * sizeof(uint32_t);
  Elf_Data* header = chunk(gnu_hash_, kHeader, ELF_T_WORD);
  if (header == nullptr) return bad("the GNU hash table lies outside of the file");
  const uint64_t bucket_count = word_at(header, 0);
  const uint64_t first_symbol = word_at(header, 1);
  const uint64_t bloom_size = word_at(header, 2) * uint64_t{sizeof(uint64_t)};
  if (bucket_count == 0) return SymbolRange{};

  const uint64_t buckets_at = gnu_hash_ + kHeader + bloom_size;
  Elf_Data* buckets = chunk(buckets_at, bucket_count * sizeof(uint32_t), ELF_T_WORD);
  if (buckets == nullptr) return bad("the GNU hash table's buckets lie outside of the file");
  uint64_t last = 0;
  for (uint64_t i = 0; i < bucket_count; ++i) last = std::max<uint64_t>(last, word_at(buckets, i));
  if (last == 0) return SymbolRange{};  // every bucket is empty
  if (last < first_symbol) return bad("the GNU hash table begins before its first symbol");

  auto end = chain_end(buckets_at + bucket_count * sizeof(uint32_t), first_symbol, last);
  if (!end) return end.error();
  return SymbolRange{first_symbol, *end};
}

Result<uint64_t> DynamicTable::chain_end(uint64_t chains, uint64_t first_symbol,
                                         uint64_t symbol) const {
  constexpr uint64_t kBlock = 1024;  // words; chains are short, one block nearly always suffices
  while (true) {
    const uint64_t at = chains + (symbol - first_symbol) * sizeof(uint32_t);
    const uint64_t words = std::min(kBlock, file_range(at).size / sizeof(uint32_t));
    Elf_Data* chain = chunk(at, words * sizeof(uint32_t), ELF_T_WORD);
    if (chain == nullptr) return bad("the GNU hash table's last chain has no end");
    for (uint64_t i = 0; i < words; ++i)
      if (word_at(chain, i) & 1) return symbol + i + 1;
    symbol += words;
  }
}

// Names of the versions that the file defines, by index. Index 1 is the file itself: no version.
Result<std::vector<std::string>> DynamicTable::read_versions() {
  std::vector<std::string> names;
  if (version_definitions_ == 0 || version_definition_count_ == 0) return names;
  // The table's size is written nowhere; a definition with its names is far below 256 bytes.
  constexpr uint64_t kGenerous = 256;
  const uint64_t count = std::min(version_definition_count_, kMaxVersions);
  const uint64_t size = std::min(file_range(version_definitions_).size, (count + 1) * kGenerous);
  Elf_Data* data = chunk(version_definitions_, size, ELF_T_VDEF);
  if (data == nullptr) return bad("the version definitions lie outside of the file");

  int64_t offset = 0;
  for (uint64_t i = 0; i < count; ++i) {
    GElf_Verdef definition;
    GElf_Verdaux name;
    if (offset > INT32_MAX || !gelf_getverdef(data, static_cast<int>(offset), &definition))
      return bad("the version definitions run past their table");
    const int64_t name_at = offset + definition.vd_aux;
    if (name_at > INT32_MAX || !gelf_getverdaux(data, static_cast<int>(name_at), &name))
      return bad("the name of a version lies outside of its table");
    const uint64_t index = definition.vd_ndx & kMaxVersions;
    if ((definition.vd_flags & VER_FLG_BASE) == 0) {
      if (names.size() <= index) names.resize(index + 1);
      // Each function has a copy of its version, so a long one would be multiplied.
      names[index] = string_at(name.vda_name).substr(0, kMaxVersionName);
    }
    if (definition.vd_next == 0) break;
    offset += definition.vd_next;
  }
  return names;
}

}  // namespace wc
