// /etc/ld.so.cache: the map from soname to path that ldconfig(8) writes. Only the format
// "glibc-ld.so.cache1.1" (glibc 2.2 and later; alone, or behind the old one) and only its entries
// for x86-64. Source: glibc, sysdeps/generic/dl-cache.h.
// Internal to tracer_daemon/elf.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace wc {

using LibraryPaths = std::unordered_map<std::string, std::string>;

// Damaged entries are left out; a file that is no such cache gives an empty map.
LibraryPaths parse_ld_so_cache(std::string_view file);

}  // namespace wc
