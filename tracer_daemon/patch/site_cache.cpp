#include "patch/site_cache.h"

#include <algorithm>

namespace wc {
namespace {

// Raise it when the search finds other sites, or the content changes.
constexpr uint64_t kVersion = 1;
constexpr const char* kSuffix = ".sites";

SyscallSite get_site(CacheReader& reader) {
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

std::string write_sites(const FileIdentity& file, const SyscallSites& sites) {
  CacheWriter writer;
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
  return writer.take();
}

std::optional<SyscallSites> read_sites(const FileIdentity& file, std::string_view content) {
  CacheReader reader(content);
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

}  // namespace

std::string encode_sites(const FileIdentity& file, const SyscallSites& sites) {
  return seal(kVersion, write_sites(file, sites));
}

std::optional<SyscallSites> decode_sites(const FileIdentity& file, const std::string& sealed) {
  auto content = unseal(kVersion, sealed);
  return content ? read_sites(file, *content) : std::nullopt;
}

std::optional<SyscallSites> SiteCache::load(const FileIdentity& file) const {
  if (file.build_id.empty()) return std::nullopt;
  auto content = folder_.load(file_name(file.build_id), kVersion);
  return content ? read_sites(file, *content) : std::nullopt;
}

void SiteCache::store(const FileIdentity& file, const SyscallSites& sites) const {
  if (file.build_id.empty()) return;
  folder_.store(file_name(file.build_id), kVersion, write_sites(file, sites));
}

}  // namespace wc
