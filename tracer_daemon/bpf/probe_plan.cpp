#include "bpf/probe_plan.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "elf/code_image.h"
#include "elf/elf_handle.h"
#include "elf/image.h"
#include "symbols/function_list.h"

namespace wc {
namespace {

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

// Whether the syscall uretprobe(2) exists, and a seccomp filter that does not know it kills.
bool kernel_asks_filters() {
  utsname name{};
  int major = 0, minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return true;
  return major == 6 && minor >= 11 && minor < 14;
}

// Symbols that such a program has, or takes from a library.
bool tells_of_unwinding(std::string_view name) {
  constexpr std::string_view kNames[] = {"__gxx_personality_v0", "rust_eh_personality",
                                         "pthread_cancel",       "pthread_exit",
                                         "sigaltstack",          "thrd_exit"};
  // From 6.14 on filters are not asked about what returns from a return probe.
  constexpr std::string_view kFilters[] = {"prctl", "seccomp_load"};
  name = name.substr(0, name.find('@'));
  static const bool asks_filters = kernel_asks_filters();
  return std::ranges::find(kNames, name) != std::end(kNames) ||
         (asks_filters && std::ranges::find(kFilters, name) != std::end(kFilters));
}

// Those of what it jumps to in its own file, too: that one returns for it.
ReturnSites returns_of(const CodeImage& image, uint64_t address,
                       const std::vector<uint64_t>& starts) {
  constexpr size_t kMostFunctions = 32;
  ReturnSites all = find_returns(code_of(image, address, starts), address);
  std::vector<uint64_t> seen{address};
  for (size_t i = 0; i < all.targets.size() && seen.size() < kMostFunctions; i++) {
    const uint64_t target = all.targets[i];
    if (std::ranges::find(seen, target) != seen.end()) continue;
    seen.push_back(target);
    const ReturnSites more = find_returns(code_of(image, target, starts), target);
    all.rets.insert(all.rets.end(), more.rets.begin(), more.rets.end());
    all.jumps.insert(all.jumps.end(), more.jumps.begin(), more.jumps.end());
    all.targets.insert(all.targets.end(), more.targets.begin(), more.targets.end());
  }
  return all;
}

// True as well where nobody can tell, for the file is stripped and static.
bool has_such_symbols(Elf* elf) {
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
      if (name != nullptr && tells_of_unwinding(name)) return true;
    }
  }
  return !has_symbols && has_tables;
}

}  // namespace

bool unwinds(const ObjectFile& object) {
  ScopedFd fd = open_elf_file(object.open_path);
  if (!fd.valid()) return true;
  auto elf = open_elf(fd.get(), object.path);
  if (!elf) return true;
  return has_such_symbols(elf->get());
}

Result<FileProbes> ProbePlan::plan(const ObjectFile& object,
                                   const std::set<std::string>& in_program, bool by_address,
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
    probe.entry = offset(find_entry(code, one.address));
    if (is_go || !by_address) {
      probe.returns = returns_of(*image, one.address, starts);
      probe.returns.is_go = is_go;
      for (uint64_t& place : probe.returns.rets) place = offset(place);
      for (uint64_t& place : probe.returns.jumps) place = offset(place);
    }
    out.probes.push_back(std::move(probe));
    table.functions.push_back(std::move(one.info));
  }
  return out;
}

}  // namespace wc
