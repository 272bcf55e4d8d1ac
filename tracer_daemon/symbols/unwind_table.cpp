#include "symbols/unwind_table.h"

#include <dwarf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace wc {

namespace {

// Of one module. What is larger is read from the process, a word at a time.
constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
constexpr size_t kMaxHeaders = 64;

template <typename T>
bool take(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

}  // namespace

// Layout of .eh_frame_hdr: Linux Standard Base, "Exception Frames". Linkers write no other
// encodings than these.
bool UnwindTable::parse(uint64_t header) {
  constexpr uint8_t kVersion = 1;
  uint8_t version = 0, frame_encoding = 0, count_encoding = 0, table_encoding = 0;
  int32_t frames = 0;
  uint32_t count = 0;
  std::string_view bytes(bytes_);
  bytes.remove_prefix(std::min<size_t>(header - start_, bytes.size()));
  bool fits = take(bytes, version) && take(bytes, frame_encoding) && take(bytes, count_encoding) &&
              take(bytes, table_encoding) && take(bytes, frames) && take(bytes, count);
  if (!fits || version != kVersion || frame_encoding != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
      count_encoding != DW_EH_PE_udata4 || table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
    return false;
  constexpr uint64_t kTableOffset = 12, kEntry = 8;
  header_ = header;
  table_ = header + kTableOffset;
  entries_ = std::min<uint64_t>(count, bytes.size() / kEntry);
  return entries_ != 0;
}

std::unique_ptr<UnwindTable> UnwindTable::read(int fd, std::span<const GElf_Phdr> headers) {
  auto found = std::ranges::find(headers, uint32_t{PT_GNU_EH_FRAME}, &GElf_Phdr::p_type);
  if (found == headers.end()) return nullptr;
  auto around = std::ranges::find_if(headers, [&](const GElf_Phdr& load) {
    return load.p_type == PT_LOAD && found->p_vaddr >= load.p_vaddr &&
           found->p_vaddr - load.p_vaddr < load.p_filesz;
  });
  if (around == headers.end()) return nullptr;
  // .eh_frame stands behind its header as GNU ld, gold and lld write it, and in the same segment
  // in any order; its size stands in section headers only, which a file need not have.
  uint64_t start = around->p_vaddr, size = around->p_filesz;
  if (size > kMaxBytes) {
    start = found->p_vaddr & ~uint64_t{7};
    size = std::min(kMaxBytes, around->p_vaddr + around->p_filesz - start);
  }
  auto table = std::unique_ptr<UnwindTable>(new UnwindTable);
  table->start_ = start & ~uint64_t{7};
  const uint64_t before = start - table->start_;
  table->bytes_.resize((before + size + 7) & ~uint64_t{7});
  const uint64_t offset = around->p_offset + (start - around->p_vaddr);
  for (uint64_t done = 0; done < size;) {
    const ssize_t n = ::pread(fd, table->bytes_.data() + before + done, size - done,
                              static_cast<off_t>(offset + done));
    if (n <= 0) break;
    done += static_cast<uint64_t>(n);
  }
  return table->parse(found->p_vaddr) ? std::move(table) : nullptr;
}

std::unique_ptr<UnwindTable> UnwindTable::of_vdso() {
  const auto base = ::getauxval(AT_SYSINFO_EHDR);
  if (base == 0) return nullptr;
  const auto* start = reinterpret_cast<const char*>(base);
  Elf64_Ehdr file{};
  std::memcpy(&file, start, sizeof file);
  uint64_t end = 0, header = 0;
  for (size_t i = 0; i < std::min<size_t>(file.e_phnum, kMaxHeaders); i++) {
    Elf64_Phdr one{};
    std::memcpy(&one, start + file.e_phoff + i * sizeof one, sizeof one);
    if (one.p_type == PT_LOAD) end = std::max(end, one.p_vaddr + one.p_filesz);
    if (one.p_type == PT_GNU_EH_FRAME) header = one.p_vaddr;
  }
  auto table = std::unique_ptr<UnwindTable>(new UnwindTable);
  table->bytes_.assign(start, end);
  table->bytes_.resize((end + 7) & ~uint64_t{7});
  return table->parse(header) ? std::move(table) : nullptr;
}

bool UnwindTable::word(uint64_t address, uint64_t& value) const {
  const uint64_t offset = address - start_;
  if (offset >= bytes_.size() || bytes_.size() - offset < sizeof value) return false;
  std::memcpy(&value, bytes_.data() + offset, sizeof value);
  return true;
}

}  // namespace wc
