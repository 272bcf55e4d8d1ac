#include "events/path_filter.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>

#include "catalog/glob.h"
#include "proc/files.h"
#include "proc/process.h"

namespace wc {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kMostDescriptors = 4096;  // of one poll(2) or select(2)

std::string normal(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

std::string read_name(const DecodeContext& context, uint64_t address) {
  char bytes[PATH_MAX];
  const size_t size = context.memory.read({address}, bytes, sizeof bytes);
  return {bytes, strnlen(bytes, size)};
}

}  // namespace

PathFilter::PathFilter(std::span<const std::string> globs) {
  for (const std::string& glob : globs) {
    globs_.push_back(glob);
    std::error_code failed;
    const std::filesystem::path current = std::filesystem::current_path(failed);
    if (!failed && !glob.starts_with('/') && !glob.starts_with('*'))
      globs_.push_back(normal(current / glob));
    // The kernel names what is open by its real path.
    const auto real = std::filesystem::canonical(glob, failed);
    if (!failed && !has_glob(glob) && real != globs_.back()) globs_.push_back(real.string());
  }
}

bool PathFilter::matches(std::string_view path) const {
  return std::any_of(globs_.begin(), globs_.end(),
                     [&](const std::string& glob) { return match_glob(glob, path); });
}

// As the program says it, and from the folder on that it means.
bool PathFilter::matches_name(const DecodeContext& context, uint64_t address,
                              const std::string& folder) const {
  if (address == 0) return false;
  const std::string name = read_name(context, address);
  if (name.empty()) return false;
  if (matches(name) || matches(normal(name))) return true;
  return name[0] != '/' && !folder.empty() && matches(normal(folder + "/" + name));
}

bool PathFilter::matches_descriptor(const DecodeContext& context, int fd) const {
  if (fd < 0) return false;
  std::string target = proc::descriptor_target(context.pid, fd);
  if (target.empty()) return false;
  if (matches(target)) return true;
  if (!target.ends_with(kDeleted)) return false;
  target.resize(target.size() - kDeleted.size());
  return matches(target);
}

bool PathFilter::matches_polled(const DecodeContext& context, uint64_t address,
                                uint64_t count) const {
  std::vector<pollfd> polled(std::min(count, kMostDescriptors));
  const size_t size = context.memory.read({address}, polled.data(), polled.size() * sizeof(pollfd));
  polled.resize(size / sizeof(pollfd));
  return std::any_of(polled.begin(), polled.end(),
                     [&](const pollfd& one) { return matches_descriptor(context, one.fd); });
}

bool PathFilter::matches_selected(const DecodeContext& context, uint64_t address,
                                  uint64_t count) const {
  std::vector<uint8_t> bits((std::min(count, kMostDescriptors) + 7) / 8);
  if (address == 0) return false;
  const size_t size = context.memory.read({address}, bits.data(), bits.size());
  for (size_t i = 0; i < size * 8 && i < count; i++) {
    if ((bits[i / 8] >> (i % 8) & 1) != 0 && matches_descriptor(context, static_cast<int>(i)))
      return true;
  }
  return false;
}

bool PathFilter::touches(const DecodeContext& context, uint32_t nr,
                         std::span<const uint64_t> words) const {
  if (nr == SYS_poll || nr == SYS_ppoll) return matches_polled(context, words[0], words[1]);
  if (nr == SYS_select || nr == SYS_pselect6)
    return std::any_of(words.begin() + 1, words.begin() + 4,
                       [&](uint64_t set) { return matches_selected(context, set, words[0]); });
  const SyscallSpec& spec = syscall_spec(nr);
  // A name belongs to the folder that stands in front of it (openat), else to the current one.
  std::string folder = proc::link_target(proc::path_of(context.pid, "cwd"));
  for (unsigned i = 0; i < spec.arg_count; i++) {
    const auto fd = static_cast<int>(words[i]);
    switch (spec.args[i].kind) {
      case ArgKind::DirFd:
        if (fd == AT_FDCWD) break;
        folder = proc::descriptor_target(context.pid, fd);
        [[fallthrough]];
      case ArgKind::Fd:
        if (matches_descriptor(context, fd)) return true;
        break;
      case ArgKind::Path:
        if (matches_name(context, words[i], folder)) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

}  // namespace wc
