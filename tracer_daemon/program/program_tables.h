// Decides, for a program at its exec stop, which functions are wrapped, and
// has the stub library for it. Programs with the same libraries share one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/selection.h"
#include "decode/decoder.h"
#include "elf/bindings.h"
#include "elf/image.h"
#include "events/function_table.h"
#include "program/exec_stack.h"
#include "program/table_cache.h"
#include "protocol/shared.h"
#include "session/private_directory.h"

namespace wc {

// Whatever the choice or the stubs follow from goes into options_key() too.
struct TableOptions {
  std::vector<Term> terms;
  std::vector<std::string> user_preloads;
  std::string shim_path;  // as the tracee finds it
  std::string socket_path;
  wc_gate gate = WC_GATE_OFF;
  bool values_at_return = false;  // some backend shows what calls wrote to memory
  bool in_process = false;        // engine inproc
  bool all_calls = false;         // its records stand alone where a call makes no syscall
  bool stacks = false;            // its records hold stacks: no call is one record with its syscall
  DecodeOptions decode;
  CacheFolder cache{""};  // what earlier runs have found
};

class ProgramTables {
 public:
  ProgramTables(TableOptions options, const PrivateDirectory& directory);

  struct Prepared {
    std::shared_ptr<const FunctionTable> table;
    std::string ld_preload;             // whole value, the program's own entries included
    std::vector<std::string> warnings;  // of the selection
  };

  // For a program about to run. `strict`: an unknown name is an error (the first program); in
  // programs that it starts, names that their libraries lack are passed over.
  Result<Prepared> prepare(const Image& program, const std::string& ld_library_path,
                           const std::string& own_preload, bool strict);

 private:
  // Where the libraries of a program stand, as seen from the stub library.
  struct Places {
    Images front;   // sanitizers, other preloads: calls reach them first
    Images behind;  // what is there at the start
    Images late;    // named as NAME@LIBRARY: dlopen may bring them
    [[nodiscard]] Images all() const;
  };
  Places places_of(const Image& program, const std::string& ld_library_path,
                   const std::string& own_preload);
  Result<std::shared_ptr<const FunctionTable>> table_for(const Places& places, bool strict,
                                                         std::vector<std::string>& warnings);
  Result<StoredTable> choose(const Places& places, bool strict, std::vector<std::string>& warnings);
  Images with_functions(const Images& libraries);
  [[nodiscard]] std::string options_key(bool strict) const;

  TableOptions options_;
  const PrivateDirectory& directory_;
  LibraryCache libraries_;
  TableCache cache_;
  std::map<std::vector<const Image*>, std::shared_ptr<const FunctionTable>> tables_;
  Images kept_;  // images that keys of tables_ point to
  uint64_t next_id_ = 1;
};

// Why a program cannot be wrapped, with what works instead; empty when it can.
std::string refusal(const Image& image);
// The one reason why not even its syscalls can be followed; empty: they can.
std::string foreign_architecture(const Image& image);

}  // namespace wc
