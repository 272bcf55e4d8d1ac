#include "symbols/mapped_file.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "proc/files.h"

namespace wc {

MappedFile file_of(int32_t pid, const proc::Mapping& mapping) {
  std::array<char, 64> range;
  std::snprintf(range.data(), range.size(), "map_files/%lx-%lx",
                static_cast<unsigned long>(mapping.range.begin),
                static_cast<unsigned long>(mapping.range.end));
  const bool deleted = mapping.looks_deleted();
  const std::array<std::string, 2> paths =
      deleted ? std::array{proc::path_of(pid, "exe"), proc::path_of(pid, range.data())}
              : std::array{mapping.path, proc::path_of(pid, "root" + mapping.path)};
  MappedFile other;
  for (const auto& path : paths) {
    MappedFile file{path};
    if (::stat(path.c_str(), &file.status) != 0 || !S_ISREG(file.status.st_mode)) continue;
    if (file.status.st_ino == mapping.inode) return file;
    // Some file systems (overlays) show one inode in maps and another in stat(2).
    if (!deleted) other = std::move(file);
  }
  return other;
}

std::string identity_of(const std::string& name, const struct stat& status) {
  const std::array<uint64_t, 5> numbers{
      status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
      static_cast<uint64_t>(status.st_mtim.tv_sec), static_cast<uint64_t>(status.st_mtim.tv_nsec)};
  std::string key = name;
  for (const uint64_t number : numbers) key.append(1, ' ').append(std::to_string(number));
  return key;
}

std::string path_before_deletion(const std::string& path) {
  constexpr std::string_view kDeleted = " (deleted)";
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

}  // namespace wc
