#include "elf/site_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/scoped_fd.h"

namespace wc {
namespace {

// Raise it when the search finds other sites, or the content changes.
constexpr uint64_t kVersion = 1;
constexpr char kMagic[8] = {'w', 'c', '-', 's', 'i', 't', 'e', 's'};
constexpr off_t kMaxFile = 4 << 20;
constexpr size_t kMaxFiles = 64;
constexpr const char* kSuffix = ".sites";

struct Head {
  char magic[8];
  uint64_t version;
  uint64_t checksum;  // of all that follows
};

// Against damage, not against an attacker: the folder is the user's own.
uint64_t checksum_of(const char* bytes, size_t size) {
  uint64_t sum = 0xcbf29ce484222325 ^ size;
  for (size_t at = 0; at < size; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min<size_t>(8, size - at));
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
  }
  return sum;
}

class Writer {
 public:
  template <typename T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename List>
  void put_bytes(const List& list) {
    put(static_cast<uint16_t>(list.size()));
    bytes_.append(reinterpret_cast<const char*>(list.data()), list.size());
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  template <typename T>
  T get() {
    T value{};
    if (left_.size() < sizeof value) {
      whole_ = false;
      left_ = {};
      return value;
    }
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }
  template <typename List>
  List get_bytes() {
    auto size = get<uint16_t>();
    if (left_.size() < size) whole_ = false, size = 0;
    List list(left_.begin(), left_.begin() + size);
    left_.remove_prefix(size);
    return list;
  }
  // How many rows follow; each has `least` bytes.
  size_t get_count(size_t least) {
    auto count = get<uint32_t>();
    if (count > left_.size() / least) whole_ = false, count = 0;
    return count;
  }
  [[nodiscard]] bool whole() const { return whole_ && left_.empty(); }

 private:
  std::string_view left_;
  bool whole_ = true;
};

SyscallSite get_site(Reader& reader) {
  SyscallSite site;
  site.start = reader.get<uint64_t>();
  site.syscall = reader.get<uint64_t>();
  site.nr = reader.get<uint32_t>();
  site.moved = reader.get_bytes<std::vector<uint8_t>>();
  site.original = reader.get_bytes<std::vector<uint8_t>>();
  for (size_t count = reader.get_count(10); count > 0; count--) {
    Fixup fixup;
    fixup.at = reader.get<uint8_t>();
    fixup.end = reader.get<uint8_t>();
    fixup.target = reader.get<uint64_t>();
    site.fixups.push_back(fixup);
  }
  return site;
}

// What a patcher relies on.
bool is_sound(const SyscallSite& site) {
  return site.original.size() >= kJumpSize && site.syscall == site.start + site.original.size() &&
         site.moved.size() <= kMaxMoved &&
         std::all_of(site.fixups.begin(), site.fixups.end(), [&](const Fixup& fixup) {
           return fixup.at + sizeof(int32_t) <= site.moved.size() && fixup.end <= site.moved.size();
         });
}

std::string file_name(const std::string& build_id) {
  std::string name;
  for (unsigned char byte : build_id) {
    constexpr const char* kDigits = "0123456789abcdef";
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name + kSuffix;
}

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

std::string encode_sites(const FileIdentity& file, const SyscallSites& sites) {
  Writer writer;
  writer.put_bytes(file.build_id);
  writer.put(file.size);
  writer.put(file.modified_ns);
  writer.put(static_cast<uint32_t>(sites.code.size()));
  for (const CodePlace& place : sites.code) {
    writer.put(place.address);
    writer.put(place.offset);
    writer.put(place.size);
  }
  writer.put(static_cast<uint32_t>(sites.sites.size()));
  for (const SyscallSite& site : sites.sites) {
    writer.put(site.start);
    writer.put(site.syscall);
    writer.put(site.nr);
    writer.put_bytes(site.moved);
    writer.put_bytes(site.original);
    writer.put(static_cast<uint32_t>(site.fixups.size()));
    for (const Fixup& fixup : site.fixups) {
      writer.put(fixup.at);
      writer.put(fixup.end);
      writer.put(fixup.target);
    }
  }
  writer.put(static_cast<uint32_t>(sites.refused.size()));
  for (const RefusedSite& refused : sites.refused) {
    writer.put(refused.syscall);
    writer.put(refused.why);
  }
  std::string body = writer.take();
  Head head{{}, kVersion, checksum_of(body.data(), body.size())};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  return std::string(reinterpret_cast<const char*>(&head), sizeof head) + body;
}

std::optional<SyscallSites> decode_sites(const FileIdentity& file, const std::string& bytes) {
  Head head;
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  std::string_view body = std::string_view(bytes).substr(sizeof head);
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0 || head.version != kVersion ||
      head.checksum != checksum_of(body.data(), body.size()))
    return std::nullopt;
  Reader reader(body);
  FileIdentity its{reader.get_bytes<std::string>(), reader.get<uint64_t>(), reader.get<int64_t>()};
  if (its != file) return std::nullopt;
  SyscallSites found;
  for (size_t count = reader.get_count(24); count > 0; count--)
    found.code.push_back({reader.get<uint64_t>(), reader.get<uint64_t>(), reader.get<uint64_t>()});
  for (size_t count = reader.get_count(28); count > 0; count--) {
    found.sites.push_back(get_site(reader));
    if (!is_sound(found.sites.back())) return std::nullopt;
  }
  for (size_t count = reader.get_count(9); count > 0; count--) {
    auto syscall = reader.get<uint64_t>();
    auto why = reader.get<SiteRefusal>();
    if (why > kLastRefusal) return std::nullopt;
    found.refused.push_back({syscall, why});
  }
  if (!reader.whole()) return std::nullopt;
  return found;
}

SiteCache SiteCache::of_user() {
  auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? std::string(value) : std::string();
  };
  std::string base = absolute("XDG_CACHE_HOME");
  if (base.empty() && geteuid() == 0) base = "/var/cache";
  if (base.empty() && !absolute("HOME").empty()) base = absolute("HOME") + "/.cache";
  return SiteCache(base.empty() ? base : base + "/wc-intercept");
}

std::optional<SyscallSites> SiteCache::load(const FileIdentity& file) const {
  if (folder_.empty() || file.build_id.empty()) return std::nullopt;
  ScopedFd folder = open_folder(folder_);
  if (!folder.valid()) return std::nullopt;
  auto bytes = read_file(folder.get(), file_name(file.build_id));
  return bytes ? decode_sites(file, *bytes) : std::nullopt;
}

// By rename, so that a reader finds the old file or the new one, whole.
void SiteCache::store(const FileIdentity& file, const SyscallSites& sites) const {
  if (folder_.empty() || file.build_id.empty()) return;
  std::string bytes = encode_sites(file, sites);
  if (bytes.size() > static_cast<size_t>(kMaxFile)) return;
  ScopedFd folder = open_folder(folder_);
  if (!folder.valid()) {
    make_folder(folder_);
    folder = open_folder(folder_);
  }
  if (!folder.valid()) return;
  remove_oldest(folder.get());
  std::string name = file_name(file.build_id);
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
