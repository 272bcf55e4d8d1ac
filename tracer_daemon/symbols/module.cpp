#include "symbols/module.h"

#include <algorithm>
#include <utility>

#include "elf/elf_handle.h"
#include "symbols/debug_file.h"
#include "symbols/demangle.h"

namespace wc {

namespace {

constexpr size_t kMaxProgramHeaders = 4096;

std::vector<GElf_Phdr> program_headers(Elf* elf) {
  std::vector<GElf_Phdr> headers;
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return headers;
  GElf_Phdr header;
  for (size_t i = 0; i < std::min(count, kMaxProgramHeaders); ++i)
    if (gelf_getphdr(elf, static_cast<int>(i), &header) != nullptr) headers.push_back(header);
  return headers;
}

}  // namespace

const Location& Module::locate(uint64_t file_offset) {
  read_tables();
  Location location{.object = name_, .offset = file_offset, .file_offset = file_offset};
  // The instruction before the return address is the call; the return address itself may already
  // belong to the next line, or, after a call that never returns, to the next function.
  const auto call = address_of(file_offset - 1);
  if (call) {
    location.offset = *call + 1;
    if (const auto symbol = symbols_.find(*call)) {
      location.symbol = demangle(symbol->name);
      location.offset = *call + 1 - symbol->start;
    }
    if (auto line = lines_ != nullptr ? lines_->find(*call) : std::nullopt) {
      location.file = std::move(line->file);
      location.line = line->number;
    }
  }
  return locations_.insert_or_assign(file_offset, std::move(location)).first->second;
}

void Module::read_tables() {
  if (tables_read_) return;
  tables_read_ = true;
  ScopedFd fd = open_elf_file(path_);
  auto elf = open_elf(fd.get(), path_);
  if (!elf) return;
  symbols_ = SymbolTable::read(elf->get(), SHT_SYMTAB);
  lines_ = LineTable::open(open_elf_file(path_), path_);
  if (symbols_.empty() || lines_ == nullptr) {
    DebugFile debug = find_debug_file(elf->get(), path_, debug_root_);
    if (debug.fd.valid() && symbols_.empty())
      if (auto debug_elf = open_elf(debug.fd.get(), debug.path))
        symbols_ = SymbolTable::read(debug_elf->get(), SHT_SYMTAB);
    if (debug.fd.valid() && lines_ == nullptr)
      lines_ = LineTable::open(std::move(debug.fd), debug.path);
  }
  if (symbols_.empty()) symbols_ = SymbolTable::read(elf->get(), SHT_DYNSYM);
}

void Module::read_segments() {
  if (segments_read_) return;
  segments_read_ = true;
  const ScopedFd fd = open_elf_file(path_);
  auto elf = open_elf(fd.get(), path_);
  if (!elf) return;
  segments_ = program_headers(elf->get());
  std::erase_if(segments_, [](const GElf_Phdr& one) { return one.p_type != PT_LOAD; });
  // Linkers let segments share a page of the file; code is what return addresses point to.
  std::stable_partition(segments_.begin(), segments_.end(),
                        [](const GElf_Phdr& one) { return (one.p_flags & PF_X) != 0; });
}

std::optional<uint64_t> Module::address_of(uint64_t file_offset) {
  read_segments();
  for (const auto& segment : segments_)
    if (file_offset >= segment.p_offset && file_offset - segment.p_offset < segment.p_filesz)
      return segment.p_vaddr + (file_offset - segment.p_offset);
  return std::nullopt;
}

// Megabytes, for stacks only.
const UnwindTable* Module::unwind_table() {
  if (std::exchange(unwind_read_, true)) return unwind_.get();
  const ScopedFd fd = open_elf_file(path_);
  if (auto elf = open_elf(fd.get(), path_))
    unwind_ = UnwindTable::read(fd.get(), program_headers(elf->get()));
  return unwind_.get();
}

size_t Module::table_bytes() const {
  return symbols_.bytes() + (lines_ != nullptr ? lines_->bytes() : 0) +
         (unwind_ != nullptr ? unwind_->bytes() : 0);
}

void Module::drop_tables() {
  tables_read_ = segments_read_ = unwind_read_ = false;
  segments_.clear();
  unwind_.reset();
  symbols_ = {};
  lines_.reset();
}

}  // namespace wc
