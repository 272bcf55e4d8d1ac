#include "elf/elf_handle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace wc {

namespace {

// libelf allocates and fills a record for each section before anyone asks, and with e_shnum = 0
// their number is a field of section 0, up to 2^32.
template <typename Header, typename Section>
bool claims_absurd_sections(int fd, const void* bytes) {
  Header header;
  std::memcpy(&header, bytes, sizeof header);
  if (header.e_shnum != 0 || header.e_shoff == 0 || header.e_shoff > INT64_MAX) return false;
  Section first;
  struct stat status = {};
  const ssize_t size = ::pread(fd, &first, sizeof first, static_cast<off_t>(header.e_shoff));
  if (size != sizeof first || ::fstat(fd, &status) != 0) return false;
  return first.sh_size > static_cast<uint64_t>(status.st_size) / sizeof(Section);
}

}  // namespace

ScopedFd open_elf_file(const std::string& path) {
  return ScopedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

Result<ScopedFd> open_regular_file(const std::string& path, struct stat& status) {
  ScopedFd fd = open_elf_file(path);
  if (!fd.valid()) return Error::from_errno("cannot open " + path, errno);
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno("cannot examine " + path, errno);
  if (!S_ISREG(status.st_mode)) return Error{path + ": not a regular file", EACCES};
  return fd;
}

Result<ElfHandle> open_elf(int fd, const std::string& path) {
  static const unsigned version = elf_version(EV_CURRENT);
  if (version == EV_NONE) return Error{"libelf is too old for this program"};

  std::array<unsigned char, sizeof(Elf64_Ehdr)> header = {};
  const ssize_t read = ::pread(fd, header.data(), header.size(), 0);
  if (read < 0) return Error::from_errno("cannot read " + path, errno);
  const auto size = static_cast<size_t>(read);
  if (size < SELFMAG || std::memcmp(header.data(), ELFMAG, SELFMAG) != 0)
    return Error{path + ": not an ELF file", ENOEXEC};
  const bool is_64_bit = header[EI_CLASS] == ELFCLASS64;
  if (size < (is_64_bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
    return Error{path + ": truncated ELF file: shorter than its header", ENOEXEC};
  if (header[EI_DATA] != ELFDATA2LSB)  // its fields would have to be swapped to be checked
    return Error{path + ": not a little-endian ELF file", ENOEXEC};
  if (is_64_bit ? claims_absurd_sections<Elf64_Ehdr, Elf64_Shdr>(fd, header.data())
                : claims_absurd_sections<Elf32_Ehdr, Elf32_Shdr>(fd, header.data()))
    return Error{path + ": damaged ELF file: more sections than the file can hold", ENOEXEC};

  ElfHandle elf(elf_begin(fd, ELF_C_READ, nullptr));
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF)
    return Error{path + ": damaged ELF file: " + elf_errmsg(-1), ENOEXEC};
  return elf;
}

}  // namespace wc
