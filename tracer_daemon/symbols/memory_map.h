// /proc/PID/maps as a sorted list. Source: proc(5).
// Internal to tracer_daemon/symbols.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wc {

class Module;

struct Mapping {
  uint64_t start = 0, end = 0;
  uint64_t offset = 0;  // into the file
  uint64_t inode = 0;   // 0 when no file is mapped
  bool executable = false;
  std::string name;  // path, "[vdso]", "[heap]", ...; empty for anonymous memory

  bool module_known = false;
  std::shared_ptr<Module> module;  // once known; null when the file cannot be read
};

class MemoryMap {
 public:
  static MemoryMap parse(std::string_view text);
  // nullopt when the process is gone or may not be examined.
  static std::optional<MemoryMap> read(int32_t pid);

  // nullptr when nothing is mapped there.
  Mapping* find(uint64_t address);

 private:
  std::vector<Mapping> mappings_;
};

}  // namespace wc
