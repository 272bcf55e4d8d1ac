#include "program/table_cache.h"

#include "elf/code_image.h"

namespace wc {
namespace {

constexpr uint64_t kVersion = 1;
constexpr uint32_t kNoSpec = UINT32_MAX;

// Two sums of 64 bits; the file holds the whole key.
std::string file_name(const std::string& key) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string name;
  for (uint64_t sum : {checksum(key), checksum(key, 1)})
    for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[sum >> shift & 15];
  return name + ".stubs";
}

void put_file(CacheWriter& writer, const FileIdentity& file) {
  writer.put_bytes(file.build_id);
  writer.put(file.size);
  writer.put(file.modified_ns);
}

FunctionInfo get_function(CacheReader& reader, bool& sound) {
  FunctionInfo info;
  info.symbol = reader.get_bytes<std::string>();
  info.library = reader.get_bytes<std::string>();
  auto spec = reader.get<uint32_t>();
  info.thin = reader.get<uint8_t>() != 0;
  if (spec == kNoSpec) {
    info.name = info.symbol;
  } else if (spec < catalog().size() && catalog()[spec].name == info.symbol) {
    info.spec = &catalog()[spec];
    info.name = info.spec->family;
  } else {
    sound = false;
  }
  return info;
}

}  // namespace

TableCache::TableCache(CacheFolder folder) : folder_(std::move(folder)) {
  if (auto own = identify_file("/proc/self/exe"); own && !own->build_id.empty()) {
    CacheWriter writer;
    put_file(writer, *own);
    own_build_ = writer.take();
  }
}

std::optional<std::string> TableCache::key(
    const std::string& options, const std::vector<std::shared_ptr<const Image>>& libraries) const {
  if (own_build_.empty()) return std::nullopt;
  CacheWriter writer;
  writer.put_bytes(own_build_);
  writer.put_bytes(options);
  for (const auto& library : libraries) {
    auto file = identify_file(library->path);
    if (!file || file->build_id.empty()) return std::nullopt;
    writer.put_bytes(library->soname);
    put_file(writer, *file);
  }
  return writer.take();
}

std::optional<StoredTable> decode_table(const std::string& key, const std::string& content) {
  CacheReader reader(content);
  if (reader.get_bytes<std::string>() != key) return std::nullopt;
  StoredTable table;
  bool sound = true;
  size_t count = reader.get_count(13);
  table.functions.reserve(count);
  for (; count > 0; count--) table.functions.push_back(get_function(reader, sound));
  table.stub_library = reader.get_bytes<std::string>();
  if (!sound || !reader.whole()) return std::nullopt;
  return table;
}

std::string encode_table(const std::string& key, const StoredTable& table) {
  CacheWriter writer;
  writer.put_bytes(key);
  writer.put(static_cast<uint32_t>(table.functions.size()));
  for (const FunctionInfo& info : table.functions) {
    writer.put_bytes(info.symbol);
    writer.put_bytes(info.library);
    writer.put(info.spec == nullptr ? kNoSpec
                                    : static_cast<uint32_t>(info.spec - catalog().data()));
    writer.put(static_cast<uint8_t>(info.thin));
  }
  writer.put_bytes(table.stub_library);
  return writer.take();
}

std::optional<StoredTable> TableCache::load(const std::string& key) const {
  auto content = folder_.load(file_name(key), kVersion);
  return content ? decode_table(key, *content) : std::nullopt;
}

void TableCache::store(const std::string& key, const StoredTable& table) const {
  folder_.store(file_name(key), kVersion, encode_table(key, table));
}

}  // namespace wc
