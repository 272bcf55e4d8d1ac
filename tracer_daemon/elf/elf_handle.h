// Opening an ELF file with libelf so that a hostile one cannot harm: it is read, never mapped (a
// mapped file that is truncated meanwhile kills its reader with SIGBUS), and what libelf would
// allocate on the file's word alone is checked before.
#pragma once

#include <gelf.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc {

struct ElfCloser {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfCloser>;

// To be read. Invalid, and errno says why, where it cannot be; the writer of a pipe is not waited
// for.
ScopedFd open_elf_file(const std::string& path);
// The same for a regular file only, with what fstat(2) says of it.
Result<ScopedFd> open_regular_file(const std::string& path, struct stat& status);

// `fd` must stay open as long as the handle; `path` is for messages only.
Result<ElfHandle> open_elf(int fd, const std::string& path);

}  // namespace wc
