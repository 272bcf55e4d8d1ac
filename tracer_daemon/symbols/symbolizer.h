// Addresses of a tracee to module, symbol, file and line. libdw; modules are read
// once a path, inode and modification time and shared by all processes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proc/maps.h"

namespace wc {

struct Location {
  std::string object;  // as in /proc/PID/maps: path, path " (deleted)", "[vdso]"; or empty
  std::string symbol;  // demangled; empty when none covers the address
  // Into the symbol; without one into the object, as addr2line(1) takes it; in anonymous memory
  // the address itself.
  uint64_t offset = 0;
  std::string file;  // source file (base name as in the debug information), empty without it
  uint32_t line = 0;
  uint64_t file_offset =
      0;  // of the return address, into the object; the address itself without one
};

class CodeSource;
class CodeWitness;
class Module;
class UnwindTable;
struct MappedCode;

class Symbolizer {
 public:
  // `debug_root`: where separate debug files are looked for by build-id. Servers are never asked.
  explicit Symbolizer(std::string debug_root = "/usr/lib/debug");
  ~Symbolizer();

  // The location of the instruction before `return_address` (the call), with the offset of
  // `return_address` itself. The maps of `pid` are read once and again after a miss;
  // the process must be alive at the first look. The reference is valid until the next call.
  const Location& locate(int32_t pid, uint64_t return_address);

  // What is mapped at `address`, and the file behind it; null when there is none. Valid until the
  // next call.
  struct Code {
    const MappedCode* mapping = nullptr;
    Module* module = nullptr;
  };
  Code code_at(int32_t pid, uint64_t address);
  // nullptr when the module has none. Valid until the next call.
  const UnwindTable* unwind_table(Module& module);
  // Another number each time the map of `pid` was read.
  uint64_t map_generation(int32_t pid);

  // Whoever hears of what is found, and where it is found instead; null: nobody, /proc.
  void watch(CodeWitness* witness);
  void ask(CodeSource* source);

  // Reads the map of `pid` if that was not done yet.
  void remember(int32_t pid);
  // The program has been replaced by another one (execve(2)): what is still asked about it is
  // answered by the map that is known.
  void freeze(int32_t pid);
  // Engine bpf: what the kernel says of a map is known without reading it. From the first such
  // word on it is never read: the process may be another program by now, or gone.
  void learn(int32_t pid, const proc::Mapping& mapping);
  // A forked child begins with its parent's.
  void inherit(int32_t child, int32_t parent);
  // After exec, exit, or when mappings changed.
  void forget(int32_t pid);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wc
