#include "symbols/build_id.h"

#include <cstring>

#include "base/scoped_fd.h"
#include "elf/elf_handle.h"

namespace wc {

namespace {

constexpr size_t kMaxBuildId = 64;  // SHA-1 has 20 bytes
constexpr uint64_t kMaxNotes = 1 << 20;

std::string build_id_in(Elf_Data* notes) {
  GElf_Nhdr note;
  size_t name = 0;
  size_t content = 0;
  for (size_t at = 0; (at = gelf_getnote(notes, at, &note, &name, &content)) > 0;) {
    const char* bytes = static_cast<const char*>(notes->d_buf);
    const bool gnu = note.n_namesz == sizeof ELF_NOTE_GNU &&
                     std::memcmp(bytes + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID && note.n_descsz >= 2 && note.n_descsz <= kMaxBuildId)
      return {bytes + content, note.n_descsz};
  }
  return {};
}

}  // namespace

std::string build_id(Elf* elf) {
  Elf_Scn* section = nullptr;
  GElf_Shdr header;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_NOTE ||
        header.sh_size > kMaxNotes)
      continue;
    Elf_Data* notes = elf_getdata(section, nullptr);
    if (notes == nullptr) continue;
    std::string id = build_id_in(notes);
    if (!id.empty()) return id;
  }
  return {};
}

std::string build_id_of(const std::string& path) {
  const ScopedFd fd = open_elf_file(path);
  if (!fd.valid()) return {};
  auto elf = open_elf(fd.get(), path);
  if (!elf) return {};
  std::string digits;
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char one : build_id(elf->get())) {
    const auto byte = static_cast<unsigned char>(one);
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

}  // namespace wc
