// The map of a process, with the module of each mapping once that is known.
// Internal to tracer_daemon/symbols.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proc/maps.h"

namespace wc {

class Module;

struct MappedCode : proc::Mapping {
  explicit MappedCode(const proc::Mapping& mapping) : proc::Mapping(mapping) {}

  bool module_known = false;
  std::shared_ptr<Module> module;  // once known; null when the file cannot be read
};

class MemoryMap {
 public:
  MemoryMap() = default;
  explicit MemoryMap(const proc::Maps& maps) : mappings_(maps.all().begin(), maps.all().end()) {}

  // In place of what was mapped there before.
  void add(const proc::Mapping& mapping);
  // nullptr when nothing is mapped there.
  MappedCode* find(uint64_t address);

 private:
  std::vector<MappedCode> mappings_;
};

}  // namespace wc
