#include "rings/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace wc {
namespace {

constexpr const char* kName = "wc-shared";

Result<ScopedFd> create_memfd() {
  ScopedFd fd(memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return Error::from_errno("cannot create shared memory", errno);
  return fd;
}

Result<ScopedFd> create_file(const std::string& folder) {
  std::string path = folder + "/" + kName + "-XXXXXX";
  ScopedFd fd(mkostemp(path.data(), O_CLOEXEC));
  if (!fd.valid()) return Error::from_errno("cannot create shared memory in " + folder, errno);
  unlink(path.c_str());
  return fd;
}

}  // namespace

SharedMemory SharedMemory::in_folder(std::string folder) {
  SharedMemory memory;
  memory.folder_ = std::move(folder);
  return memory;
}

Status SharedMemory::try_memfd() {
  if (auto made = create_memfd(); !made) return made.error();
  return Done{};
}

Result<ScopedFd> SharedMemory::create(uint64_t size) const {
  auto fd = folder_.empty() ? create_memfd() : create_file(folder_);
  if (!fd) return fd.error();
  if (folder_.empty()) return adopt(std::move(*fd), size);
  if (ftruncate(fd->get(), static_cast<off_t>(size)) != 0)
    return Error::from_errno("cannot size shared memory", errno);
  return fd;
}

Result<ScopedFd> SharedMemory::adopt(ScopedFd memfd, uint64_t size) {
  if (ftruncate(memfd.get(), static_cast<off_t>(size)) != 0)
    return Error::from_errno("cannot size shared memory", errno);
  // A tracee that could shrink it would make the tracer die of SIGBUS.
  if (fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return Error::from_errno("cannot seal shared memory", errno);
  struct stat now {};
  if (fstat(memfd.get(), &now) != 0 || static_cast<uint64_t>(now.st_size) < size)
    return Error{"the program has changed the size of the shared memory", 0};
  return memfd;
}

}  // namespace wc
