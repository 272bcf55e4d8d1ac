// What was found in a file before, kept on disk by build-id: in $XDG_CACHE_HOME/wc-intercept, else
// /var/cache/wc-intercept for root, ~/.cache/wc-intercept for others. Whatever is wrong with it is
// never an error: then the file is searched again. A folder or file of another user, or that
// others may write to, a link, a file that is cut short, has a wrong checksum, was written by
// another version or for another state of the library is not used. Sites are compared with the
// program's memory before anything is written there, cached or not.
#pragma once

#include <optional>
#include <string>

#include "elf/syscall_sites.h"

namespace wc {

class SiteCache {
 public:
  // The folder is made when first written to; empty: nothing is cached.
  explicit SiteCache(std::string folder) : folder_(std::move(folder)) {}
  // As the environment says.
  static SiteCache of_user();

  [[nodiscard]] std::optional<SyscallSites> load(const FileIdentity& file) const;
  void store(const FileIdentity& file, const SyscallSites& sites) const;

 private:
  std::string folder_;
};

// The content of a cache file. Decoding takes any bytes: what is not whole is nothing.
std::string encode_sites(const FileIdentity& file, const SyscallSites& sites);
std::optional<SyscallSites> decode_sites(const FileIdentity& file, const std::string& bytes);

}  // namespace wc
