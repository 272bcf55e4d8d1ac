#include "symbols/function_list.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "elf/elf_handle.h"
#include "symbols/debug_file.h"
#include "symbols/line_table.h"
#include "symbols/symbol_table.h"

namespace wc {
namespace {

constexpr size_t kMaxListedName = 4096;
// Bytes of names that are copied out: a million symbols may all point at one long string.
constexpr size_t kMaxListedNames = size_t{256} << 20;

class Reader {
 public:
  explicit Reader(FunctionList& list) : list_(list) {}

  // False when there is no section of the type.
  bool read(Elf* elf, uint32_t section_type) {
    Elf_Scn* section = nullptr;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section)) != nullptr)
      if (gelf_getshdr(section, &header) != nullptr && header.sh_type == section_type) break;
    if (section == nullptr || header.sh_size > kMaxSymbolBytes || header.sh_link == 0) return false;
    Elf_Data* symbols = elf_getdata(section, nullptr);
    if (symbols == nullptr) return false;
    source_.clear();
    GElf_Sym symbol;
    for (int i = 0; gelf_getsym(symbols, i, &symbol) != nullptr; ++i)
      add(elf, header.sh_link, symbol, section_type == SHT_DYNSYM);
    return true;
  }

 private:
  void add(Elf* elf, uint32_t strings, const GElf_Sym& symbol, bool exported) {
    auto type = GELF_ST_TYPE(symbol.st_info);
    bool local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL;
    bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC || (type == STT_NOTYPE && !local);
    if (type != STT_FILE && (!is_function || symbol.st_shndx == SHN_UNDEF || symbol.st_value == 0))
      return;
    if (type != STT_FILE && !is_code(elf, symbol)) return;
    const char* text = elf_strptr(elf, strings, symbol.st_name);
    if (text == nullptr) return;
    std::string name(text, strnlen(text, kMaxListedName));
    if (type == STT_FILE) {
      source_ = name.substr(name.rfind('/') + 1);
      return;
    }
    name.resize(std::min(name.find('@'), name.size()));
    names_ += name.size();
    if (name.empty() || names_ > kMaxListedNames || !is_called(name)) return;
    list_.functions.push_back({std::move(name), local ? source_ : std::string(), symbol.st_value,
                               type == STT_GNU_IFUNC, exported});
  }

  static bool is_code(Elf* elf, const GElf_Sym& symbol) {
    Elf_Scn* section = elf_getscn(elf, symbol.st_shndx);
    GElf_Shdr header;
    return section != nullptr && gelf_getshdr(section, &header) != nullptr &&
           (header.sh_flags & SHF_EXECINSTR) != 0 && symbol.st_value >= header.sh_addr &&
           symbol.st_value - header.sh_addr < header.sh_size;
  }

  FunctionList& list_;
  std::string source_;
  size_t names_ = 0;
};

// One entry a name and address; that of .symtab, which knows the source, but still exported.
void finish(std::vector<FunctionSymbol>& functions) {
  std::stable_sort(functions.begin(), functions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.address, a.name) < std::tie(b.address, b.name);
  });
  size_t kept = 0;
  for (size_t i = 0; i < functions.size(); i++) {
    FunctionSymbol* last = kept > 0 ? &functions[kept - 1] : nullptr;
    if (last != nullptr && last->address == functions[i].address &&
        last->name == functions[i].name) {
      last->exported = last->exported || functions[i].exported;
      continue;
    }
    if (kept != i) functions[kept] = std::move(functions[i]);
    kept++;
  }
  functions.resize(kept);
}

}  // namespace

bool is_called(std::string_view symbol) {
  constexpr std::string_view kCold = ".cold";
  const size_t cold = symbol.rfind(kCold);
  if (cold != std::string_view::npos) {
    std::string_view rest = symbol.substr(cold + kCold.size());
    if (rest.empty() || (rest.size() > 1 && rest[0] == '.' &&
                         rest.find_first_not_of("0123456789", 1) == std::string_view::npos))
      return false;
  }
  return symbol != "__restore_rt" && !symbol.starts_with("_dl_runtime_resolve") &&
         !symbol.starts_with("_dl_runtime_profile");
}

Result<FunctionList> read_functions(const std::string& open_path, const std::string& path,
                                    const std::string& debug_root) {
  ScopedFd fd = open_elf_file(open_path);
  if (!fd.valid()) return Error::from_errno("cannot open " + path, errno);
  auto elf = open_elf(fd.get(), path);
  if (!elf) return elf.error();
  FunctionList list;
  Reader reader(list);
  list.has_symtab = reader.read(elf->get(), SHT_SYMTAB);
  if (!list.has_symtab) {
    DebugFile debug = find_debug_file(elf->get(), path, debug_root);
    if (debug.fd.valid())
      if (auto debug_elf = open_elf(debug.fd.get(), debug.path))
        list.has_symtab = reader.read(debug_elf->get(), SHT_SYMTAB);
  }
  reader.read(elf->get(), SHT_DYNSYM);
  finish(list.functions);
  return list;
}

struct FunctionSources::State {
  std::string open_path, path, debug_root;
  bool opened = false;
  std::unique_ptr<LineTable> lines;

  void open() {
    if (std::exchange(opened, true)) return;
    lines = LineTable::open(open_elf_file(open_path), path);
    if (lines != nullptr) return;
    ScopedFd fd = open_elf_file(open_path);
    auto elf = open_elf(fd.get(), path);
    if (!elf) return;
    DebugFile debug = find_debug_file(elf->get(), path, debug_root);
    if (debug.fd.valid()) lines = LineTable::open(std::move(debug.fd), debug.path);
  }
};

FunctionSources::FunctionSources(std::string open_path, std::string path, std::string debug_root)
    : state_(new State{std::move(open_path), std::move(path), std::move(debug_root)}) {}
FunctionSources::~FunctionSources() = default;

bool FunctionSources::stands_in(const FunctionSymbol& function, const std::string& source) {
  if (!function.source.empty() && function.source == source) return true;
  state_->open();
  if (state_->lines == nullptr) return false;
  auto line = state_->lines->find(function.address);
  return line && line->file == source;
}

}  // namespace wc
