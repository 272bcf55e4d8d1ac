#include "session/library_copies.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/scoped_fd.h"

namespace wc {
namespace {

Status copy_bytes(int from, int to, const std::string& path) {
  for (;;) {
    constexpr size_t kChunk = 1 << 20;
    ssize_t n = sendfile(to, from, nullptr, kChunk);
    if (n == 0) return Done{};
    if (n < 0 && errno != EINTR) return Error::from_errno("cannot write " + path, errno);
  }
}

bool is_readable_by_all(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0 &&
         is_open_to_all(path.substr(0, path.rfind('/')));
}

}  // namespace

Result<std::string> LibraryCopies::path_for(const std::string& path, LibraryReader reader) {
  if (reader.user == geteuid() || reader.user == 0) return path;
  if (is_readable_by_all(path)) return path;
  if (geteuid() != 0)
    return Error{"runs as another user, who cannot read the run's folder", EACCES};
  auto known = copies_.find({path, reader.user});
  if (known != copies_.end()) return known->second;
  auto copied = copy(path, reader);
  if (copied) copies_.emplace(std::pair{path, reader.user}, *copied);
  return copied;
}

Result<std::string> LibraryCopies::copy(const std::string& path, LibraryReader reader) {
  if (folder_ == nullptr) {
    auto made = PrivateDirectory::create_for_others();
    if (!made) return made.error();
    folder_ = std::make_unique<PrivateDirectory>(std::move(*made));
  }
  // The user's folder stays root's: nobody else can put anything there.
  std::string folder = folder_->path() + "/" + std::to_string(reader.user);
  if ((mkdir(folder.c_str(), 0711) != 0 && errno != EEXIST) || chmod(folder.c_str(), 0711) != 0)
    return Error::from_errno("cannot create " + folder, errno);
  std::string target = folder + path.substr(path.rfind('/'));
  ScopedFd from(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!from.valid()) return Error::from_errno("cannot read " + path, errno);
  ScopedFd to(open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400));
  if (!to.valid()) return Error::from_errno("cannot create " + target, errno);
  if (auto copied = copy_bytes(from.get(), to.get(), target); !copied) {
    unlink(target.c_str());
    return copied.error();
  }
  if (fchown(to.get(), reader.user, reader.group) != 0 || fchmod(to.get(), 0400) != 0) {
    int code = errno;
    unlink(target.c_str());
    return Error::from_errno("cannot give " + target + " to its user", code);
  }
  return target;
}

bool LibraryCopies::holds(const std::string& path) const {
  return folder_ != nullptr && path.starts_with(folder_->path() + "/");
}

}  // namespace wc
