#include "symbols/memory_map.h"

#include <algorithm>

namespace wc {

MappedCode* MemoryMap::find(uint64_t address) {
  const auto behind = std::ranges::upper_bound(
      mappings_, address, {}, [](const MappedCode& one) { return one.range.begin; });
  if (behind == mappings_.begin()) return nullptr;
  const auto mapping = std::prev(behind);
  return mapping->range.contains(address) ? &*mapping : nullptr;
}

}  // namespace wc
