#include "symbols/memory_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/scoped_fd.h"

namespace wc {

namespace {

constexpr size_t kMaxText = size_t{64} << 20;  // the kernel allows 65,530 mappings: 10 MB

// Takes a number and the one character behind it from the front of `text`.
bool take_number(std::string_view& text, int base, char behind, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data() + text.size() || *end != behind) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

// The kernel writes a newline in a name as "\012" and leaves everything else.
std::string unescape(std::string_view name) {
  constexpr std::string_view kNewline = "\\012";
  std::string plain(name);
  for (size_t at = 0; (at = plain.find(kNewline, at)) != std::string::npos; ++at)
    plain.replace(at, kNewline.size(), 1, '\n');
  return plain;
}

// "7f0c5f200000-7f0c5f226000 r-xp 00026000 08:01 2490   /usr/lib/libc.so.6"
std::optional<Mapping> parse_line(std::string_view line) {
  Mapping mapping;
  constexpr size_t kPermissions = 5;  // with the blank behind
  if (!take_number(line, 16, '-', mapping.start) || !take_number(line, 16, ' ', mapping.end) ||
      line.size() < kPermissions)
    return std::nullopt;
  mapping.executable = line[2] == 'x';
  line.remove_prefix(kPermissions);
  uint64_t major = 0;
  uint64_t minor = 0;
  if (!take_number(line, 16, ' ', mapping.offset) || !take_number(line, 16, ':', major) ||
      !take_number(line, 16, ' ', minor) || !take_number(line, 10, ' ', mapping.inode))
    return std::nullopt;
  const size_t name = line.find_first_not_of(' ');
  if (name != std::string_view::npos) mapping.name = unescape(line.substr(name));
  return mapping;
}

}  // namespace

MemoryMap MemoryMap::parse(std::string_view text) {
  MemoryMap map;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (auto mapping = parse_line(text.substr(0, end)))
      map.mappings_.push_back(std::move(*mapping));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  // A map that changes while it is read can come out of order.
  std::ranges::stable_sort(map.mappings_, {}, &Mapping::start);
  return map;
}

std::optional<MemoryMap> MemoryMap::read(int32_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/maps";
  const ScopedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  std::string text;
  constexpr size_t kBlock = 32768;
  while (text.size() < kMaxText) {
    const size_t used = text.size();
    text.resize(used + kBlock);
    const ssize_t size = ::read(fd.get(), text.data() + used, kBlock);
    text.resize(used + (size > 0 ? static_cast<size_t>(size) : 0));
    if (size <= 0) break;
  }
  if (text.empty()) return std::nullopt;  // a zombie has no memory
  return parse(text);
}

Mapping* MemoryMap::find(uint64_t address) {
  const auto behind = std::ranges::upper_bound(mappings_, address, {}, &Mapping::start);
  if (behind == mappings_.begin()) return nullptr;
  const auto mapping = std::prev(behind);
  return address < mapping->end ? &*mapping : nullptr;
}

}  // namespace wc
