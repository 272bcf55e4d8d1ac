// Tables and stub libraries of earlier runs, kept on disk (cache/cache_folder.h): reading the
// exports of all libraries and choosing among them is most of what a short run costs. The key is
// all that the result follows from: this build of the tracer, the selection and its options, each
// library's build-id, size and time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache/cache_folder.h"
#include "elf/image.h"
#include "events/function_table.h"

namespace wc {

struct StoredTable {
  std::vector<FunctionInfo> functions;
  std::string stub_library;  // still to be given an id and a socket
};

class TableCache {
 public:
  explicit TableCache(CacheFolder folder);

  // `options`: text that stands for everything else that the table follows from. Nothing where a
  // library cannot be told from another build of it.
  [[nodiscard]] std::optional<std::string> key(
      const std::string& options, const std::vector<std::shared_ptr<const Image>>& libraries) const;

  [[nodiscard]] std::optional<StoredTable> load(const std::string& key) const;
  void store(const std::string& key, const StoredTable& table) const;

 private:
  CacheFolder folder_;
  std::string own_build_;
};

// The content of a cache file. Decoding takes any bytes: what is not whole, or another key's, is
// nothing.
std::string encode_table(const std::string& key, const StoredTable& table);
std::optional<StoredTable> decode_table(const std::string& key, const std::string& content);

}  // namespace wc
