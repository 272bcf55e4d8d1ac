// [LD_PRELOAD]: checked here, because ld.so only prints a warning into the program's output.
#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/scoped_fd.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

// What ld.so splits LD_PRELOAD at; it knows no quoting.
constexpr std::string_view kPathSeparators = " :";

Status check_library(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return Error::from_errno(in_quotes(path), errno);
  // Before opening: a FIFO would block.
  if (S_ISDIR(info.st_mode)) return Error::from_errno(in_quotes(path), EISDIR);
  if (!S_ISREG(info.st_mode)) return Error{in_quotes(path) + ": not a regular file"};
  const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Error::from_errno(in_quotes(path), errno);
  std::array<char, SELFMAG> magic{};
  const ssize_t got = ::read(file.get(), magic.data(), magic.size());
  if (got < 0) return Error::from_errno(in_quotes(path), errno);
  if (got != SELFMAG || std::memcmp(magic.data(), ELFMAG, SELFMAG) != 0) {
    return Error{in_quotes(path) + ": not a shared object (no ELF header)"};
  }
  return Done{};
}

// Absolute, so that it still means the same file when the program changes directory and starts
// another one. ld.so takes a name without a slash for a library on its search path.
std::string for_ld_so(const std::string& path) {
  std::error_code failed;
  std::string absolute = std::filesystem::absolute(path, failed).lexically_normal().string();
  if (!failed && absolute.find_first_of(kPathSeparators) == std::string::npos) return absolute;
  return path.find('/') == std::string::npos ? "./" + path : path;
}

}  // namespace

Result<std::vector<std::string>> resolve_preloads(const Setting& setting) {
  std::vector<std::string> libraries;
  const auto words = split_words(setting.value, " :\t");
  for (const std::string_view word : words) {
    const std::string path(word);
    const Status checked = check_library(path);
    if (!checked) {
      const std::string hint = words.size() > 1 ? "; blanks and colons separate libraries" : "";
      return Error{fmt::format("{}: {}{}", setting.where, checked.error().message, hint),
                   checked.error().code};
    }
    libraries.push_back(for_ld_so(path));
  }
  if (libraries.empty()) return Error{setting.where + ": names no library"};
  return libraries;
}

}  // namespace wc::config
