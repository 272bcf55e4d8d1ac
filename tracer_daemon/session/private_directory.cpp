#include "session/private_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/scoped_fd.h"

namespace wc {
namespace {

constexpr const char* kPrefix = "wc-intercept-";

// ld.so splits LD_PRELOAD at blanks and colons.
bool fits_ld_preload(const std::string& path) {
  return path.find_first_of(" :") == std::string::npos && path.size() < 60;
}

bool usable(const std::string& path) {
  struct statvfs file_system {};
  return fits_ld_preload(path) && access(path.c_str(), W_OK | X_OK) == 0 &&
         statvfs(path.c_str(), &file_system) == 0 && !(file_system.f_flag & ST_NOEXEC);
}

std::vector<std::string> candidates() {
  std::vector<std::string> paths;
  for (const char* variable : {"XDG_RUNTIME_DIR", "TMPDIR"})
    if (const char* value = std::getenv(variable); value != nullptr && *value == '/')
      paths.emplace_back(value);
  paths.insert(paths.end(), {"/tmp", "/var/tmp", "/dev/shm"});
  return paths;
}

void remove_tree(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder != nullptr)
    while (const dirent* entry = readdir(folder.get()))
      if (entry->d_name[0] != '.') unlinkat(dirfd(folder.get()), entry->d_name, 0);
  rmdir(path.c_str());
}

// Whoever has the lock owns the folder; the kernel gives it back when a run is killed. A pid would
// not tell: the other run may live in another pid namespace.
ScopedFd lock(const std::string& path) {
  ScopedFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid() && flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  return ScopedFd();
}

// Removes "wc-intercept-PID-RANDOM" of runs that are gone, ours by ownership.
void sweep(const std::string& parent) {
  std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(parent.c_str()), closedir);
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder.get())) {
    if (std::strncmp(entry->d_name, kPrefix, std::strlen(kPrefix)) != 0) continue;
    if (std::strtol(entry->d_name + std::strlen(kPrefix), nullptr, 10) <= 0) continue;
    struct stat status {};
    std::string path = parent + "/" + entry->d_name;
    if (lstat(path.c_str(), &status) != 0 || status.st_uid != geteuid()) continue;
    if (ScopedFd owned = lock(path); owned.valid()) remove_tree(path);
  }
}

// Makes the folder and takes its lock. Another run's sweep may come between the two.
ScopedFd make_locked(const std::string& parent, std::string& path) {
  for (int tries = 0; tries < 10; tries++) {
    path = parent + "/" + kPrefix + std::to_string(getpid()) + "-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) break;
    ScopedFd fd = lock(path);
    if (fd.valid() && access(path.c_str(), F_OK) == 0) return fd;
  }
  return ScopedFd();
}

}  // namespace

Result<PrivateDirectory> PrivateDirectory::create() {
  std::string tried;
  for (const std::string& parent : candidates()) {
    if (!usable(parent)) {
      tried += (tried.empty() ? "" : ", ") + parent;
      continue;
    }
    sweep(parent);
    std::string path;
    if (ScopedFd locked = make_locked(parent, path); locked.valid())
      return PrivateDirectory(std::move(path), std::move(locked));
    tried += (tried.empty() ? "" : ", ") + parent;
  }
  return Error{"no folder for the run's socket and libraries: none of " + tried +
                   " can be written to and executed from; set XDG_RUNTIME_DIR to one that can",
               errno};
}

PrivateDirectory::~PrivateDirectory() {
  if (!path_.empty()) remove_tree(path_);
}

Status PrivateDirectory::write_file(const std::string& name, const std::string& bytes) const {
  std::string path = path_ + "/" + name;
  ScopedFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Error::from_errno("cannot create " + path, errno);
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int code = errno;
      unlink(path.c_str());
      return Error::from_errno("cannot write " + path, code);
    }
    done += static_cast<size_t>(n);
  }
  return Done{};
}

}  // namespace wc
