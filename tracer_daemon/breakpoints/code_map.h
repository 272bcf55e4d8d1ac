// Which parts of a process's memory are code, as far as was known when it was last looked up.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/address_range.h"
#include "proc/maps.h"

namespace wc {

enum class CodeKind {
  None,       // nothing that can be executed is mapped there
  OfObject,   // a program's or a library's text
  Generated,  // made at run time, moved and freed at any moment (JIT); or the kernel's (vDSO)
};

// Of the mapping at `index`. Text that a program has copied to anonymous memory in its own place
// (for large pages) is its text still: it stands between other parts of the file.
CodeKind kind_of(const std::vector<proc::Mapping>& mappings, size_t index);

class CodeMap {
 public:
  // Reads /proc/PID/maps where the address is in no code that is known.
  CodeKind at(pid_t pid, uint64_t address);
  // Something was unmapped.
  void forget() { known_.clear(); }

 private:
  struct Part {
    AddressRange range;
    CodeKind kind;
  };
  [[nodiscard]] const Part* find(uint64_t address) const;
  std::vector<Part> known_;  // by address
};

}  // namespace wc
