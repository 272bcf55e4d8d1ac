// What the functions of one ELF file take and return, by its debug information or that of its
// separate debug file. Nothing is read before the first function is asked for, and of each
// compilation unit nothing before the first of its functions is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "decode/prototype.h"

namespace wc {

class FunctionPrototypes {
 public:
  // `open_path`: where the file can be opened now; `path`: where it lies. By the time that it is
  // read only the latter may be left.
  FunctionPrototypes(std::string open_path, std::string path,
                     std::string debug_root = "/usr/lib/debug");
  ~FunctionPrototypes();

  // Of the function whose first instruction is at `address`, as in the file. nullptr: the file does
  // not say, or its language may pass arguments in another way than C.
  const FunctionPrototype* find(uint64_t address);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Not of what a compiler has made from the function that was written, with other parameters
// ("f.constprop.0", "f.isra.1", "f.part.2").
bool has_its_own_parameters(std::string_view symbol);

}  // namespace wc
