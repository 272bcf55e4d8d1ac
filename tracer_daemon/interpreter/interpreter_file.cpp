#include "interpreter/interpreter_file.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/scoped_fd.h"
#include "elf/elf_handle.h"

namespace wc {
namespace {

constexpr uint64_t kMaxSymbols = uint64_t{256} << 20;  // bytes
constexpr size_t kMaxSegments = 4096;

// One symbol table; false: it has no interpreter's symbol.
bool read_symbols(Elf* elf, const GElf_Shdr& header, Elf_Data* data, InterpreterFile& file) {
  GElf_Sym symbol;
  for (int i = 0; gelf_getsym(data, i, &symbol) != nullptr; i++) {
    if (symbol.st_shndx == SHN_UNDEF) continue;
    const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
    if (name == nullptr) continue;
    const std::string_view text(name);
    if (text == "_PyRuntime") file.runtime = symbol.st_value;
    if (text == "Py_Version") file.version = symbol.st_value;
    // Every version has this one.
    if (text == "PyEval_EvalFrameEx") file.is_python = true;
  }
  return file.is_python || file.runtime != 0;
}

void read_tables(Elf* elf, InterpreterFile& file) {
  for (const uint32_t type : {SHT_DYNSYM, SHT_SYMTAB}) {
    Elf_Scn* section = nullptr;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != type ||
          header.sh_size > kMaxSymbols)
        continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (data != nullptr && read_symbols(elf, header, data, file)) return;
    }
  }
}

void read_code_segment(Elf* elf, InterpreterFile& file) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  GElf_Phdr segment;
  for (size_t i = 0; i < std::min(count, kMaxSegments); i++) {
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) continue;
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    file.code_offset = segment.p_offset;
    file.code_address = segment.p_vaddr;
    return;
  }
}

// "3.9" of "/usr/lib/libpython3.9.so.1.0" and of "python3.9".
std::string version_in(std::string_view path) {
  constexpr std::string_view kPython = "python";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t at = name.find(kPython);
  if (at == std::string_view::npos) return {};
  std::string_view rest = name.substr(at + kPython.size());
  auto is_digit = [](char one) { return one >= '0' && one <= '9'; };
  const auto major = std::ranges::find_if_not(rest, is_digit);
  if (major == rest.begin() || major == rest.end() || *major != '.') return {};
  const auto minor = std::find_if_not(major + 1, rest.end(), is_digit);
  return minor == major + 1 ? std::string() : std::string(rest.begin(), minor);
}

}  // namespace

InterpreterFile read_interpreter_file(const std::string& path) {
  InterpreterFile file;
  const ScopedFd fd = open_elf_file(path);
  if (!fd.valid()) return file;
  auto elf = open_elf(fd.get(), path);
  if (!elf) return file;
  read_tables(elf->get(), file);
  if (!file.is_python && file.runtime == 0) return file;
  file.is_python = true;
  file.version_of_name = version_in(path);
  read_code_segment(elf->get(), file);
  return file;
}

}  // namespace wc
