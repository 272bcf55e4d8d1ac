#include "proc/maps.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "proc/files.h"

namespace wc::proc {
namespace {

constexpr size_t kMaxText = size_t{64} << 20;  // the kernel allows 65,530 mappings: 10 MB

// Takes a number and the one character behind it from the front of `text`.
template <typename Number>
bool take_number(std::string_view& text, int base, char behind, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data() + text.size() || *end != behind) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

// "r-xp " and the like.
bool take_rights(std::string_view& text, Rights& rights) {
  constexpr size_t kLength = 5;  // with the blank behind
  if (text.size() < kLength || text[kLength - 1] != ' ') return false;
  rights = {text[0] == 'r', text[1] == 'w', text[2] == 'x', text[3] == 's'};
  text.remove_prefix(kLength);
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
  const bool is_whole =
      take_number(line, 16, '-', mapping.range.begin) &&
      take_number(line, 16, ' ', mapping.range.end) && take_rights(line, mapping.rights) &&
      take_number(line, 16, ' ', mapping.offset) &&
      take_number(line, 16, ':', mapping.device_major) &&
      take_number(line, 16, ' ', mapping.device_minor) && take_number(line, 10, ' ', mapping.inode);
  if (!is_whole || mapping.range.empty()) return std::nullopt;
  const size_t name = line.find_first_not_of(' ');
  if (name != std::string_view::npos) mapping.path = unescape(line.substr(name));
  return mapping;
}

uint64_t begin_of(const Mapping& mapping) { return mapping.range.begin; }

Result<Maps> parse_all(const Result<std::string>& text) {
  if (!text) return text.error();
  if (text->empty()) return Error{"it has no memory", ESRCH};
  return Maps::parse(*text);
}

}  // namespace

Maps Maps::parse(std::string_view text) {
  Maps maps;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    if (auto mapping = parse_line(text.substr(0, end)))
      maps.mappings_.push_back(std::move(*mapping));
  // A map that changes while it is read can come out of order.
  std::ranges::stable_sort(maps.mappings_, {}, begin_of);
  return maps;
}

Maps Maps::of(std::vector<Mapping> mappings) {
  Maps maps;
  maps.mappings_ = std::move(mappings);
  std::ranges::stable_sort(maps.mappings_, {}, begin_of);
  return maps;
}

const Mapping* Maps::at(uint64_t address) const {
  const auto behind = std::ranges::upper_bound(mappings_, address, {}, begin_of);
  if (behind == mappings_.begin()) return nullptr;
  const auto mapping = std::prev(behind);
  return mapping->range.contains(address) ? &*mapping : nullptr;
}

Result<Maps> read_maps(pid_t pid) {
  return parse_all(
      read_of_any_thread(pid, [](pid_t tid) { return read_file(path_of(tid, "maps"), kMaxText); }));
}

Result<Maps> read_maps_from(int fd) { return parse_all(read_descriptor(fd, kMaxText)); }

}  // namespace wc::proc
