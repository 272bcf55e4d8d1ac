// Where a Symbolizer learns what a process has mapped: from /proc, with a witness who keeps it, or
// from what a witness has kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proc/maps.h"
#include "symbols/mapped_file.h"

namespace wc {

// Code that a process has made itself and named for perf(1).
struct Generated {
  uint64_t at = 0, begin = 0;  // the address that was asked for; where the code begins
  std::string path, name;
};

class CodeWitness {
 public:
  virtual ~CodeWitness() = default;
  virtual void saw_maps(int32_t pid, const proc::Maps& maps) = 0;
  virtual void saw_generated(int32_t pid, const Generated& code) = 0;
};

class CodeSource {
 public:
  virtual ~CodeSource() = default;
  virtual std::optional<proc::Maps> maps(int32_t pid) = 0;
  virtual MappedFile file(const proc::Mapping& mapping) = 0;
  virtual const Generated* generated(int32_t pid, uint64_t at) = 0;
  virtual std::string debug_root() = 0;
};

}  // namespace wc
