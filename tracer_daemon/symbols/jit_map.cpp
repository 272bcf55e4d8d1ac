#include "symbols/jit_map.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "proc/files.h"
#include "proc/status.h"

namespace wc {
namespace {

constexpr uint64_t kMaxFile = uint64_t{256} << 20;
constexpr size_t kMaxJitNames = 1'000'000;
constexpr size_t kMaxJitName = 4096;
constexpr std::chrono::milliseconds kPause{100};  // between two looks for a file that is not there

// The hexadecimal number at the front, taken away with the blanks behind it.
bool take_number(std::string_view& text, uint64_t& value) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.starts_with(' ')) return false;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return true;
}

}  // namespace

void JitMap::add_line(std::string_view line) {
  JitName one;
  if (!take_number(line, one.begin) || !take_number(line, one.size) || one.size == 0 ||
      one.begin + one.size < one.begin || line.empty())
    return;
  auto first = names_.lower_bound(one.begin);
  if (first != names_.begin() &&
      std::prev(first)->second.begin + std::prev(first)->second.size > one.begin)
    --first;
  names_.erase(first, names_.lower_bound(one.begin + one.size));
  if (names_.size() >= kMaxJitNames) return;
  one.name = line.substr(0, kMaxJitName);
  names_.emplace(one.begin, std::move(one));
}

void JitMap::add(std::string_view text) {
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    partial_ += text.substr(0, end);
    add_line(std::exchange(partial_, {}));
  }
  if (partial_.size() + text.size() <= 2 * kMaxJitName) partial_ += text;
}

const JitName* JitMap::find(uint64_t address) const {
  auto after = names_.upper_bound(address);
  if (after == names_.begin()) return nullptr;
  const JitName& one = std::prev(after)->second;
  return address - one.begin < one.size ? &one : nullptr;
}

// Anybody can put a file there: it must be the process's user's, or root's.
bool JitMap::open(pid_t pid) {
  auto process = proc::read_status(pid);
  if (!process) return false;
  if (path_.empty()) path_ = "/tmp/perf-" + std::to_string(process->namespace_tgid) + ".map";
  const std::string path = proc::path_of(pid, "root") + path_;
  struct stat status {};
  ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      (status.st_uid != process->uid.effective && status.st_uid != 0))
    return false;
  file_ = std::move(file);
  return true;
}

const JitName* JitMap::find(pid_t pid, uint64_t address) {
  if (!file_.valid()) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_) return nullptr;
    next_look_ = now + kPause;
    if (!open(pid)) return nullptr;
  }
  std::array<char, 1 << 16> part;
  while (read_ < kMaxFile) {
    const ssize_t got = pread(file_.get(), part.data(), part.size(), static_cast<off_t>(read_));
    if (got <= 0) break;
    read_ += static_cast<uint64_t>(got);
    add({part.data(), static_cast<size_t>(got)});
  }
  return find(address);
}

}  // namespace wc
