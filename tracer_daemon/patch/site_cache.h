// What was found in a file before, kept by build-id (cache_folder.h). Sites are compared with the
// program's memory before anything is written there, cached or not.
#pragma once

#include <optional>
#include <string>

#include "cache/cache_folder.h"
#include "patch/syscall_sites.h"

namespace wc {

class SiteCache {
 public:
  explicit SiteCache(CacheFolder folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::optional<SyscallSites> load(const FileIdentity& file) const;
  void store(const FileIdentity& file, const SyscallSites& sites) const;

 private:
  CacheFolder folder_;
};

// The content of a cache file. Decoding takes any bytes: what is not whole is nothing.
std::string encode_sites(const FileIdentity& file, const SyscallSites& sites);
std::optional<SyscallSites> decode_sites(const FileIdentity& file, const std::string& sealed);

}  // namespace wc
