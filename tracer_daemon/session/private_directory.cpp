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

// The shim, and the stub libraries of a few programs.
constexpr uint64_t kRoom = uint64_t{1} << 20;
constexpr uint64_t kFiles = 16;

// File systems that do not count (ramfs) have no total.
bool is_full(const struct statvfs& file_system) {
  bool no_blocks =
      file_system.f_blocks != 0 && uint64_t{file_system.f_bavail} * file_system.f_frsize < kRoom;
  return no_blocks || (file_system.f_files != 0 && file_system.f_favail < kFiles);
}

// Why a folder cannot hold the run's own; empty: it can.
std::string obstacle(const std::string& path) {
  struct statvfs file_system {};
  if (!fits_ld_preload(path)) return "a blank, a colon or too many letters in its name";
  if (access(path.c_str(), W_OK | X_OK) != 0 || statvfs(path.c_str(), &file_system) != 0)
    return std::strerror(errno);
  if (file_system.f_flag & ST_NOEXEC) return "mounted noexec";
  return is_full(file_system) ? "less than 1 MiB is free there" : "";
}

std::vector<std::string> candidates() {
  std::vector<std::string> paths;
  for (const char* variable : {"XDG_RUNTIME_DIR", "TMPDIR"})
    if (const char* value = std::getenv(variable); value != nullptr && *value == '/')
      paths.emplace_back(value);
  paths.insert(paths.end(), {"/tmp", "/var/tmp", "/dev/shm"});
  return paths;
}

// Folders of other users (library_copies.h) are one level deep, and hold files only.
void remove_files(int folder, const char* name) {
  ScopedFd fd(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  std::unique_ptr<DIR, int (*)(DIR*)> inside(fd.valid() ? fdopendir(fd.get()) : nullptr, closedir);
  if (inside == nullptr) return;
  (void)fd.release();
  while (const dirent* entry = readdir(inside.get()))
    if (entry->d_name[0] != '.') unlinkat(dirfd(inside.get()), entry->d_name, 0);
}

void remove_tree(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder != nullptr)
    while (const dirent* entry = readdir(folder.get())) {
      int at = dirfd(folder.get());
      if (entry->d_name[0] == '.' || unlinkat(at, entry->d_name, 0) == 0) continue;
      remove_files(at, entry->d_name);
      unlinkat(at, entry->d_name, AT_REMOVEDIR);
    }
  rmdir(path.c_str());
}

// Whoever has the lock owns the folder; the kernel gives it back when a run is killed. A pid would
// not tell: the other run may live in another pid namespace.
ScopedFd lock(const std::string& path) {
  ScopedFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid() && flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  return ScopedFd();
}

// A folder of this user's that its owner may not even open: an earlier version left such ones under
// a umask of 0777. Never through a symbolic link.
void make_accessible(const std::string& path) {
  ScopedFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (fd.valid() && fstat(fd.get(), &status) == 0 && status.st_uid == geteuid())
    chmod(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), 0700);
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
    if (S_ISDIR(status.st_mode) && (status.st_mode & 0500) != 0500) make_accessible(path);
    if (ScopedFd owned = lock(path); owned.valid()) remove_tree(path);
  }
}

// Makes the folder and takes its lock. Another run's sweep may come between the two. The mode is
// set once more, because mkdtemp's is subject to the umask.
ScopedFd make_locked(const std::string& parent, std::string& path) {
  for (int tries = 0; tries < 10; tries++) {
    path = parent + "/" + kPrefix + std::to_string(getpid()) + "-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) break;
    int code = chmod(path.c_str(), 0700) == 0 ? 0 : errno;
    ScopedFd fd = lock(path);
    if (fd.valid() && access(path.c_str(), F_OK) == 0) return fd;
    if (code == 0) code = errno;
    rmdir(path.c_str());
    errno = code;
  }
  return ScopedFd();
}

}  // namespace

bool is_open_to_all(std::string path) {
  for (;;) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
    if (path == "/" || path.empty()) return true;
    size_t slash = path.rfind('/');
    path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
}

Result<PrivateDirectory> PrivateDirectory::create() { return make({}, {}, Readers::Own); }

Result<PrivateDirectory> PrivateDirectory::create(const std::string& name,
                                                  const std::string& bytes) {
  return make(name, bytes, Readers::Own);
}

Result<PrivateDirectory> PrivateDirectory::create_for_others() {
  auto made = make({}, {}, Readers::Others);
  if (made && chmod(made->path().c_str(), 0711) != 0)
    return Error::from_errno("cannot open " + made->path() + " to others", errno);
  return made;
}

Result<PrivateDirectory> PrivateDirectory::make(const std::string& name, const std::string& bytes,
                                                Readers readers) {
  std::string tried;
  int code = 0;
  auto note = [&tried](const std::string& parent, const std::string& why) {
    tried += (tried.empty() ? "" : ", ") + parent + " (" + why + ")";
  };
  const std::vector<std::string> parents = candidates();
  for (const std::string& parent : parents) sweep(parent);
  for (const std::string& parent : parents) {
    std::string why = obstacle(parent);
    if (why.empty() && readers == Readers::Others && !is_open_to_all(parent))
      why = "closed to other users";
    if (!why.empty()) {
      note(parent, why);
      continue;
    }
    std::string path;
    ScopedFd locked = make_locked(parent, path);
    code = errno;
    if (!locked.valid()) {
      note(parent, std::strerror(code));
      continue;
    }
    PrivateDirectory made(std::move(path), std::move(locked));
    Status written = name.empty() ? Status(Done{}) : made.write_file(name, bytes);
    if (written) return made;
    code = written.error().code;
    note(parent, std::strerror(code));
  }
  return Error{
      "no folder for the run's socket and libraries, which must be written to and executed "
      "from: " +
          tried + "; set XDG_RUNTIME_DIR to one that can",
      code};
}

PrivateDirectory PrivateDirectory::none() { return PrivateDirectory({}, ScopedFd()); }

PrivateDirectory::~PrivateDirectory() {
  if (!path_.empty()) remove_tree(path_);
}

Status PrivateDirectory::write_file(const std::string& name, const std::string& bytes) const {
  std::string path = path_ + "/" + name;
  ScopedFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  // Whatever the umask is: the traced program opens it, too.
  if (!fd.valid() || fchmod(fd.get(), 0600) != 0)
    return Error::from_errno("cannot create " + path, errno);
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
