#include "launch/shim_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/scoped_fd.h"
#include "proc/process.h"

namespace wc {
namespace {

std::string real_path(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  return real != nullptr ? real.get() : "";
}

}  // namespace

Result<std::string> find_shim() {
  std::string folder = proc::exe_path(getpid());
  if (folder.empty()) return Error::from_errno("cannot read /proc/self/exe", errno);
  folder.resize(folder.rfind('/'));
  // Beside the tracer when installed; first as built.
  for (const char* place : {"/../lib/", "/"})
    if (std::string path = real_path(folder + place + kShimName); !path.empty()) return path;
  return Error{std::string(kShimName) + " is not where it was built or installed, seen from " +
                   folder + "; build or install again",
               ENOENT};
}

bool can_be_preloaded(const std::string& path) {
  // ld.so splits LD_PRELOAD at blanks and colons, and knows $LIB and its kin.
  if (path.find_first_of(" :$") != std::string::npos) return false;
  struct statvfs file_system {};
  return statvfs(path.c_str(), &file_system) == 0 && (file_system.f_flag & ST_NOEXEC) == 0;
}

Result<std::string> read_whole_file(const std::string& path) {
  ScopedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0)
    return Error::from_errno("cannot read " + path, errno);
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  if (read(file.get(), bytes.data(), bytes.size()) != status.st_size)
    return Error::from_errno("cannot read " + path, errno);
  return bytes;
}

}  // namespace wc
