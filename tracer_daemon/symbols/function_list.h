// The functions of one ELF file by name, from .symtab, from that of a separate debug file, and from
// .dynsym. Source files by .symtab's STT_FILE, which knows those of local functions, else by the
// line table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc {

struct FunctionSymbol {
  std::string name;      // as in the file, without a version
  std::string source;    // base name; local functions only, empty otherwise
  uint64_t address = 0;  // as in the file
  bool ifunc = false;    // the address is that of the function's resolver
  bool exported = false;
};

struct FunctionList {
  std::vector<FunctionSymbol> functions;  // by address; one entry a name and address
  bool has_symtab = false;                // false: stripped, only exported functions are here
};

// Whether calls enter at that symbol. Not the part of a function that gcc or clang has put
// elsewhere because it is seldom executed ("f.cold", "f.cold.1"), to which the rest jumps; nor
// ld.so's and libc's trampolines, which find something else than a return address on the stack.
bool is_called(std::string_view symbol);

// Without symbols that are not called. `open_path`: where the file can be opened; `path`: where it
// lies, for its debug file's sake.
Result<FunctionList> read_functions(const std::string& open_path, const std::string& path,
                                    const std::string& debug_root = "/usr/lib/debug");

// Whether the function at `address` (as in the file) stands in that source file.
class FunctionSources {
 public:
  FunctionSources(std::string open_path, std::string path,
                  std::string debug_root = "/usr/lib/debug");
  ~FunctionSources();
  [[nodiscard]] bool stands_in(const FunctionSymbol& function, const std::string& source);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wc
