#include "breakpoints/code_map.h"

#include <algorithm>

namespace wc {
namespace {

constexpr uint64_t kLowest = 1 << 16;  // below it nothing is mapped (vm.mmap_min_addr)

bool is_of_object(const proc::Mapping& mapping) {
  return mapping.has_file() && !mapping.rights.shared && !mapping.path.starts_with("/memfd:") &&
         !mapping.path.starts_with("/dev/zero");
}

}  // namespace

CodeKind kind_of(const std::vector<proc::Mapping>& mappings, size_t index) {
  const proc::Mapping& mapping = mappings[index];
  if (!mapping.rights.execute) return CodeKind::None;
  if (is_of_object(mapping)) return CodeKind::OfObject;
  if (!mapping.path.empty()) return CodeKind::Generated;
  auto joins = [](const proc::Mapping& a, const proc::Mapping& b) {
    return a.range.end == b.range.begin;
  };
  size_t first = index, last = index;
  while (first > 0 && joins(mappings[first - 1], mappings[first]) && !mappings[first].has_file())
    first--;
  while (last + 1 < mappings.size() && joins(mappings[last], mappings[last + 1]) &&
         !mappings[last].has_file())
    last++;
  const bool is_between = first < index && last > index && is_of_object(mappings[first]) &&
                          mappings[first].path == mappings[last].path;
  return is_between ? CodeKind::OfObject : CodeKind::Generated;
}

const CodeMap::Part* CodeMap::find(uint64_t address) const {
  auto after =
      std::upper_bound(known_.begin(), known_.end(), address,
                       [](uint64_t wanted, const Part& part) { return wanted < part.range.begin; });
  if (after == known_.begin() || !std::prev(after)->range.contains(address)) return nullptr;
  return &*std::prev(after);
}

CodeKind CodeMap::at(pid_t pid, uint64_t address) {
  if (address < kLowest) return CodeKind::None;
  if (const Part* part = find(address)) return part->kind;
  auto maps = proc::read_maps(pid);
  if (!maps) return CodeKind::None;
  known_.clear();
  for (size_t i = 0; i < maps->all().size(); i++)
    if (CodeKind kind = kind_of(maps->all(), i); kind != CodeKind::None)
      known_.push_back({maps->all()[i].range, kind});
  const Part* part = find(address);
  return part == nullptr ? CodeKind::None : part->kind;
}

}  // namespace wc
