#include "elf/ld_so_cache.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "elf/search_path.h"

namespace wc {

namespace {

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::string_view kNewMagic = "glibc-ld.so.cache1.1";
constexpr uint32_t kX8664Libc6 = 0x0303;  // FLAG_X8664_LIB64 | FLAG_ELF_LIBC6
constexpr uint64_t kHwcapExtension = uint64_t{1} << 62;
constexpr uint32_t kExtensionMagic = 0xeaa42174;
constexpr uint32_t kTagHwcaps = 1;

struct OldHeader {
  char magic[12];
  uint32_t count;
};
struct OldEntry {
  uint32_t flags, key, value;
};
struct Header {
  char magic[20];
  uint32_t count;
  uint32_t string_bytes;
  uint8_t flags;
  uint8_t padding[3];
  uint32_t extension_offset;
  uint32_t unused[3];
};
struct Entry {
  uint32_t flags, key, value, os_version;  // key and value: offsets from the header
  uint64_t hwcap;
};
struct ExtensionHeader {
  uint32_t magic, count;
};
struct ExtensionSection {
  uint32_t tag, flags, offset, size;
};
static_assert(sizeof(OldHeader) == 16 && sizeof(OldEntry) == 12);
static_assert(sizeof(Header) == 48 && sizeof(Entry) == 24 && sizeof(ExtensionSection) == 16);

template <typename T>
std::optional<T> load(std::string_view file, uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

std::string_view string_at(std::string_view file, uint64_t offset) {
  if (offset >= file.size()) return {};
  const std::string_view rest = file.substr(offset);
  const size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

// Old caches carry the old format first; its 12-byte entries need aligning before the new header.
std::string_view skip_old_format(std::string_view file) {
  if (!file.starts_with(kOldMagic)) return file;
  const auto old = load<OldHeader>(file, 0);
  if (!old) return {};
  const uint64_t end = sizeof(OldHeader) + uint64_t{old->count} * sizeof(OldEntry);
  const uint64_t aligned = (end + alignof(uint64_t) - 1) / alignof(uint64_t) * alignof(uint64_t);
  return aligned < file.size() ? file.substr(aligned) : std::string_view();
}

// The names of the glibc-hwcaps folders that entries refer to by index.
std::vector<std::string_view> hwcap_names(std::string_view file, uint32_t extension_offset) {
  std::vector<std::string_view> names;
  const auto extensions = load<ExtensionHeader>(file, extension_offset);
  if (extension_offset == 0 || !extensions || extensions->magic != kExtensionMagic) return names;
  for (uint64_t i = 0; i < extensions->count; ++i) {
    const uint64_t at = extension_offset + sizeof(ExtensionHeader) + i * sizeof(ExtensionSection);
    const auto section = load<ExtensionSection>(file, at);
    if (!section) break;
    if (section->tag != kTagHwcaps) continue;
    for (uint64_t n = 0; n < section->size / sizeof(uint32_t); ++n) {
      const auto name = load<uint32_t>(file, section->offset + n * sizeof(uint32_t));
      if (!name) break;
      names.push_back(string_at(file, *name));
    }
  }
  return names;
}

// How much this processor gains from the entry; nullopt when the entry is not for it. Legacy
// hwcap bits are from glibc before 2.33, where a plain entry stands beside each such entry.
std::optional<int> preference(const Entry& entry, const std::vector<std::string_view>& hwcaps) {
  if (entry.hwcap == 0) return 0;
  if ((entry.hwcap & kHwcapExtension) == 0) return std::nullopt;
  const uint64_t index = entry.hwcap & 0xffffffff;
  if (index >= hwcaps.size()) return std::nullopt;
  const int level = hwcaps_level(hwcaps[index]);
  if (level == 0 || level > processor_level()) return std::nullopt;
  return level;
}

}  // namespace

LibraryPaths parse_ld_so_cache(std::string_view file) {
  struct Best {
    std::string_view path;
    int preference;
  };
  LibraryPaths paths;
  file = skip_old_format(file);
  const auto header = load<Header>(file, 0);
  if (!header || !file.starts_with(kNewMagic)) return paths;
  const auto hwcaps = hwcap_names(file, header->extension_offset);

  std::unordered_map<std::string_view, Best> best;
  for (uint64_t i = 0; i < header->count; ++i) {
    const auto entry = load<Entry>(file, sizeof(Header) + i * sizeof(Entry));
    if (!entry) break;
    if (entry->flags != kX8664Libc6) continue;
    const auto preferred = preference(*entry, hwcaps);
    const std::string_view name = string_at(file, entry->key);
    const std::string_view path = string_at(file, entry->value);
    if (!preferred || name.empty() || path.empty()) continue;
    const auto [known, is_new] = best.try_emplace(name, Best{path, *preferred});
    if (!is_new && *preferred > known->second.preference) known->second = {path, *preferred};
  }
  paths.reserve(best.size());
  for (const auto& [name, choice] : best) paths.emplace(name, choice.path);
  return paths;
}

}  // namespace wc
