// What the launcher must know of an ELF file before it runs: kind of program,
// the libraries that will be there, the functions they export. libelf only.
// Hostile and truncated files are errors, never crashes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace wc {

struct ExportedFunction {
  std::string name;
  std::string version;          // "GLIBC_2.3", empty when the library has no versions
  uint64_t address = 0;         // as in the file; functions at one address are aliases
  bool default_version = true;  // name@@version, what new programs bind to
  bool oldest_version = false;  // the library's first one: what references without a version get
  bool ifunc = false;
};

struct Image {
  std::string path;                 // as opened
  std::string soname;               // DT_SONAME, or the file's name
  std::string interpreter;          // PT_INTERP, empty when there is none
  std::vector<std::string> needed;  // DT_NEEDED
  std::string rpath, runpath;
  bool is_elf = false;
  bool is_64_bit = false;
  bool is_x86_64 = false;
  bool is_dynamic = false;                  // has PT_DYNAMIC and PT_INTERP (or is a shared library)
  bool is_musl = false;                     // interpreter or libc is musl's
  bool set_id = false;                      // set-user-ID or set-group-ID bit, or file capabilities
  bool is_go = false;                       // has Go's build id: its runtime needs no libc
  std::vector<ExportedFunction> functions;  // STT_FUNC and STT_GNU_IFUNC, global or weak, defined
  std::vector<std::string> variables;       // what else it exports
};

// Reads one file. With `with_functions` also its dynamic symbols.
Result<Image> read_image(const std::string& path, bool with_functions);

// The names that a file takes from elsewhere, weak references included.
Result<std::vector<std::string>> read_references(const std::string& path);

// The libraries a program will have after start-up, in load order (breadth first), resolved as
// ld.so(8) does: DT_RPATH/RUNPATH with $ORIGIN, LD_LIBRARY_PATH, /etc/ld.so.cache, default folders.
// A library that cannot be found is left out. Images are cached for the life of the process by
// path, size and modification time: a tracer looks at libc once, not once an exec.
// Without their functions images are cheap to read.
enum class ImageDepth { Names, Functions };

// What is there when a program begins, in load order. The first `preloaded` are those of LD_PRELOAD
// that were found; what these need comes behind the program's own libraries.
struct StartUp {
  std::vector<std::shared_ptr<const Image>> libraries;
  size_t preloaded = 0;
};

class LibraryCache {
 public:
  LibraryCache();
  ~LibraryCache();
  StartUp start_up(const Image& program, const std::string& ld_library_path,
                   const std::vector<std::string>& preloads);
  std::vector<std::shared_ptr<const Image>> closure(const Image& program,
                                                    const std::string& ld_library_path,
                                                    ImageDepth depth = ImageDepth::Functions);
  // A library by soname or path, as dlopen(3) would find it, or by the soname's beginning up to
  // ".so" (libz); nullptr when there is none.
  std::shared_ptr<const Image> find(const std::string& soname, const std::string& ld_library_path,
                                    ImageDepth depth = ImageDepth::Functions);
  // One that was found without its functions, with them.
  std::shared_ptr<const Image> with_functions(const std::shared_ptr<const Image>& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "#!" line of a script: its interpreter's path, empty when `path` is no script.
std::string script_interpreter(const std::string& path);

}  // namespace wc
