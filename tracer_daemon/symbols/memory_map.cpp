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

void MemoryMap::add(const proc::Mapping& mapping) {
  const auto [begin, end] = mapping.range;
  std::vector<MappedCode> rest;  // of what it covers in part
  std::erase_if(mappings_, [&](const MappedCode& one) {
    if (one.range.end <= begin || one.range.begin >= end) return false;
    if (one.range.begin < begin) rest.emplace_back(one).range.end = begin;
    if (one.range.end > end) {
      MappedCode& behind = rest.emplace_back(one);
      behind.range.begin = end;
      behind.offset += end - one.range.begin;
    }
    return true;
  });
  rest.emplace_back(mapping);
  for (MappedCode& one : rest) {
    const auto place = std::ranges::upper_bound(
        mappings_, one.range.begin, {}, [](const MappedCode& known) { return known.range.begin; });
    mappings_.insert(place, std::move(one));
  }
}

}  // namespace wc
