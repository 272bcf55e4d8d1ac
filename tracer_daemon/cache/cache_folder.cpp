#include "cache/cache_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/scoped_fd.h"

namespace wc {
namespace {

constexpr char kMagic[8] = {'w', 'c', '-', 'c', 'a', 'c', 'h', 'e'};
constexpr off_t kMaxFile = 4 << 20;
constexpr size_t kMaxFiles = 64;

struct Head {
  char magic[8];
  uint64_t version;
  uint64_t checksum;
};

bool is_own(int fd, mode_t type) {
  struct stat status {};
  return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type &&
         status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

ScopedFd open_folder(const std::string& path) {
  ScopedFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.valid() && !is_own(folder.get(), S_IFDIR)) folder.reset();
  return folder;
}

std::optional<std::string> read_file(int folder, const std::string& name) {
  ScopedFd fd(
      openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status {};
  if (!fd.valid() || !is_own(fd.get(), S_IFREG) || fstat(fd.get(), &status) != 0 ||
      status.st_size > kMaxFile)
    return std::nullopt;
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  if (pread(fd.get(), bytes.data(), bytes.size(), 0) != status.st_size) return std::nullopt;
  return bytes;
}

// Before one more is added.
void remove_oldest(int folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> list(fdopendir(fcntl(folder, F_DUPFD_CLOEXEC, 0)), closedir);
  if (list == nullptr) return;
  rewinddir(list.get());
  struct Entry {
    int64_t modified;
    std::string name;
  };
  std::vector<Entry> entries;
  while (dirent* entry = readdir(list.get())) {
    struct stat status {};
    std::string name = entry->d_name;
    if (name[0] == '.' || fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    entries.push_back({status.st_mtim.tv_sec, std::move(name)});
  }
  if (entries.size() < kMaxFiles) return;
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.modified < b.modified; });
  for (size_t i = 0; i + kMaxFiles <= entries.size(); i++)
    unlinkat(folder, entries[i].name.c_str(), 0);
}

// ~/.cache may not be there yet; nothing above it is made.
void make_folder(const std::string& path) {
  mkdir(path.substr(0, path.rfind('/')).c_str(), 0700);
  mkdir(path.c_str(), 0700);
}

}  // namespace

uint64_t checksum(std::string_view bytes, uint64_t seed) {
  uint64_t sum = 0xcbf29ce484222325 ^ bytes.size() ^ seed;
  for (size_t at = 0; at < bytes.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
  }
  return sum;
}

std::string seal(uint64_t version, std::string_view content) {
  Head head{{}, version, checksum(content)};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  return std::string(reinterpret_cast<const char*>(&head), sizeof head).append(content);
}

std::optional<std::string> unseal(uint64_t version, std::string_view sealed) {
  Head head;
  if (sealed.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, sealed.data(), sizeof head);
  std::string_view content = sealed.substr(sizeof head);
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0 || head.version != version ||
      head.checksum != checksum(content))
    return std::nullopt;
  return std::string(content);
}

CacheFolder CacheFolder::of_user() {
  auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? std::string(value) : std::string();
  };
  std::string base = absolute("XDG_CACHE_HOME");
  if (base.empty() && geteuid() == 0) base = "/var/cache";
  if (base.empty() && !absolute("HOME").empty()) base = absolute("HOME") + "/.cache";
  return CacheFolder(base.empty() ? base : base + "/wc-intercept");
}

std::optional<std::string> CacheFolder::load(const std::string& name, uint64_t version) const {
  if (path_.empty()) return std::nullopt;
  ScopedFd folder = open_folder(path_);
  if (!folder.valid()) return std::nullopt;
  auto bytes = read_file(folder.get(), name);
  return bytes ? unseal(version, *bytes) : std::nullopt;
}

// By rename, so that a reader finds the old file or the new one, whole.
void CacheFolder::store(const std::string& name, uint64_t version, std::string_view content) const {
  std::string bytes = seal(version, content);
  if (path_.empty() || bytes.size() > static_cast<size_t>(kMaxFile)) return;
  ScopedFd folder = open_folder(path_);
  if (!folder.valid()) {
    make_folder(path_);
    folder = open_folder(path_);
  }
  if (!folder.valid()) return;
  remove_oldest(folder.get());
  std::string draft = name + "." + std::to_string(getpid());
  unlinkat(folder.get(), draft.c_str(), 0);
  ScopedFd fd(openat(folder.get(), draft.c_str(),
                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return;
  bool written = write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  if (!written || renameat(folder.get(), draft.c_str(), folder.get(), name.c_str()) != 0)
    unlinkat(folder.get(), draft.c_str(), 0);
}

}  // namespace wc
