// Packed chunks of raw files, by zstd(1)'s library where the build had it.
#include "raw_file.h"

#ifdef WC_HAS_ZSTD
#include <zstd.h>
#endif

namespace wc::raw {

#ifdef WC_HAS_ZSTD

bool has_zstd() { return true; }

std::string_view pack(const void* data, size_t size, std::string& to) {
  constexpr int kFast = 1;  // the tracer waits for it
  to.resize(ZSTD_compressBound(size));
  const size_t packed = ZSTD_compress(to.data(), to.size(), data, size, kFast);
  if (ZSTD_isError(packed) != 0 || packed >= size) return {};
  return {to.data(), packed};
}

bool unpack(std::string_view packed, size_t size, std::string& to) {
  to.resize(size);
  return ZSTD_decompress(to.data(), size, packed.data(), packed.size()) == size;
}

#else

bool has_zstd() { return false; }
std::string_view pack(const void*, size_t, std::string&) { return {}; }
bool unpack(std::string_view, size_t, std::string&) { return false; }

#endif

}  // namespace wc::raw
