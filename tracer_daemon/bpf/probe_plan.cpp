#include "bpf/probe_plan.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "elf/code_image.h"
#include "elf/elf_handle.h"
#include "elf/image.h"
#include "symbols/function_list.h"

namespace wc {
namespace {

constexpr std::array<uint8_t, 4> kEndbr64 = {0xf3, 0x0f, 0x1e, 0xfa};

// Functions of libc that call back, so that an exception may pass through them.
constexpr std::string_view kCallBack[] = {
    "qsort",       "qsort_r",         "bsearch",      "lfind",     "lsearch",     "tsearch",
    "tfind",       "tdelete",         "twalk",        "twalk_r",   "ftw",         "ftw64",
    "nftw",        "nftw64",          "scandir",      "scandir64", "scandirat",   "glob",
    "glob64",      "dl_iterate_phdr", "pthread_once", "call_once", "exit",        "quick_exit",
    "thrd_create", "makecontext",     "swapcontext",  "tdestroy",  "fopencookie", "error"};

bool calls_back(const FunctionInfo& info) {
  return std::ranges::find(kCallBack, info.name) != std::end(kCallBack);
}

// The function's code, up to where unwind information or the next symbol says that it ends.
std::span<const uint8_t> code_of(const CodeImage& image, uint64_t address,
                                 const std::vector<uint64_t>& starts) {
  constexpr uint64_t kLongest = uint64_t{1} << 20;
  const Segment* segment = image.segment_of(address);
  if (segment == nullptr) return {};
  uint64_t end = segment->end();
  const auto next = std::ranges::upper_bound(starts, address);
  if (next != starts.end()) end = std::min(end, *next);
  if (const FunctionRange* range = image.function_of(address);
      range != nullptr && range->begin == address)
    end = std::min(end, range->end);
  return image.at(address, std::min(end - address, kLongest));
}

// Go's stacks move, and no C library's exceptions are expected but where it calls back.
bool may_replace_return_address(const FunctionInfo& info, bool is_go, bool throws) {
  if (is_go) return false;
  if (info.spec != nullptr) return !calls_back(info);
  return !throws;
}

}  // namespace

namespace {

// C++'s and Rust's, which a program with exceptions has or takes from a library.
bool names_personality(std::string_view name) {
  return name == "__gxx_personality_v0" || name == "rust_eh_personality" ||
         name == "__gcc_personality_sj0";
}

// True as well where nobody can tell, for the file is stripped and static.
bool has_personality(Elf* elf) {
  bool has_symbols = false, has_tables = false;
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return true;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* title = elf_strptr(elf, names, header.sh_name);
    has_tables = has_tables || (title != nullptr && std::string_view(title) == ".gcc_except_table");
    if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) continue;
    has_symbols = true;
    Elf_Data* data = elf_getdata(section, nullptr);
    const size_t count = data != nullptr ? data->d_size / sizeof(Elf64_Sym) : 0;
    for (size_t i = 0; i < count; i++) {
      GElf_Sym symbol;
      const char* name = gelf_getsym(data, static_cast<int>(i), &symbol) != nullptr
                             ? elf_strptr(elf, header.sh_link, symbol.st_name)
                             : nullptr;
      if (name != nullptr && names_personality(name)) return true;
    }
  }
  return !has_symbols && has_tables;
}

}  // namespace

bool has_exceptions(const ObjectFile& object) {
  ScopedFd fd = open_elf_file(object.open_path);
  if (!fd.valid()) return true;
  auto elf = open_elf(fd.get(), object.path);
  if (!elf) return true;
  return has_personality(elf->get());
}

Result<FileProbes> ProbePlan::plan(const ObjectFile& object,
                                   const std::set<std::string>& in_program, bool program_throws,
                                   FunctionTable& table) {
  auto chosen = plan_.choose(object, in_program);
  if (!chosen) return chosen.error();
  FileProbes out;
  out.warnings = chosen->warnings;
  out.refusals = chosen->refusals;
  if (chosen->functions.empty()) return out;
  auto image = read_code_image(object.open_path);
  if (!image) return image.error();
  auto names = read_image(object.open_path, false);
  const bool is_go = names && names->is_go;
  const bool throws = program_throws || !object.is_program;
  std::vector<uint64_t> starts;
  if (auto list = read_functions(object.open_path, object.path))
    for (const FunctionSymbol& one : list->functions) starts.push_back(one.address);
  std::ranges::sort(starts);
  for (BreakChoice& one : chosen->functions) {
    const Segment* segment = image->segment_of(one.address);
    if (segment == nullptr || !segment->executable) continue;
    const auto offset = [&](uint64_t address) {
      return address - segment->address + segment->offset;
    };
    const auto code = code_of(*image, one.address, starts);
    Probe probe;
    probe.function = static_cast<uint32_t>(table.functions.size());
    probe.entry = offset(one.address);
    const bool begins_with_endbr =
        code.size() > kEndbr64.size() && std::ranges::equal(code.first(kEndbr64.size()), kEndbr64);
    if (begins_with_endbr) probe.entry += kEndbr64.size();
    if (!may_replace_return_address(one.info, is_go, throws)) {
      probe.returns = find_returns(code, one.address);
      for (uint64_t& place : probe.returns.rets) place = offset(place);
      for (uint64_t& place : probe.returns.jumps) place = offset(place);
    }
    out.probes.push_back(std::move(probe));
    table.functions.push_back(std::move(one.info));
  }
  return out;
}

}  // namespace wc
