// Which objects ld.so has in a process, and what has changed since the last look: the r_debug
// protocol that debuggers use. Source: <link.h>, struct r_debug, r_debug_extended (glibc 2.35);
// musl has the first. Nothing is asked of the program.
//
// ld.so calls an empty function, _dl_debug_state, whenever its lists are about to change and when
// they are whole again. The tracer has a breakpoint there (BreakPlacing::on_libraries_changed) and
// looks. The lists are the program's memory: they may be anything.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address_range.h"
#include "base/tracee_memory.h"
#include "objects/link_maps.h"

namespace wc {

struct MappedObject {
  uint64_t base = 0;     // what is added to an address as in the file
  uint64_t dynamic = 0;  // where its dynamic section is: inside the object
  uint64_t entry = 0;    // of ld.so's list: names the object as long as it is there
  unsigned space = 0;    // 0, or the number of its dlmopen(3) namespace
  std::string name;      // as ld.so has it; empty for the program itself
  std::string path;      // as /proc/PID/maps has it
};

struct ObjectChanges {
  std::vector<MappedObject> loaded;    // in ld.so's order
  std::vector<MappedObject> unloaded;  // the same
  uint64_t began = 0;  // when ld.so has said that it begins (CLOCK_MONOTONIC); 0: not seen
  [[nodiscard]] bool empty() const { return loaded.empty() && unloaded.empty(); }
};

// What the kernel has told a new program (proc(5), /proc/PID/auxv); 0: not told.
struct ProgramStart {
  uint64_t entry = 0;         // of the program
  uint64_t headers = 0;       // its program headers
  uint64_t header_count = 0;  //
  uint64_t loader = 0;        // base of ld.so; 0 in a static program
};
ProgramStart read_program_start(pid_t pid);

// One process's objects. Copied to a forked child.
class LibraryWatch {
 public:
  // Nothing but a fresh program: after an exec.
  void forget() { *this = {}; }

  // What has changed since the last look. Empty while ld.so is at work on its lists.
  ObjectChanges look(pid_t pid, TraceeMemory& memory);
  [[nodiscard]] bool empty() const { return objects_.empty(); }
  [[nodiscard]] bool is_program(const MappedObject& object) const;
  // Addresses of an object that is gone lie in here, and none of those that are there.
  [[nodiscard]] AddressRange span_of(const MappedObject& gone) const;

  // Where ld.so calls at each change: as it says itself, or, before it has run, by its symbol
  // `_dl_debug_state`. 0: it has none, or there is no ld.so.
  [[nodiscard]] static uint64_t event_address(pid_t pid, TraceeMemory& memory);

 private:
  struct Space {
    uint64_t head = 0;  // of its list
    LinkMaps maps;
  };
  using Key = std::pair<unsigned, uint64_t>;  // space, entry

  bool read_heads(TraceeMemory& memory);
  void announce(int state);
  void add(pid_t pid, TraceeMemory& memory, unsigned space, const std::vector<LinkMap>& fresh,
           ObjectChanges& changes);

  uint64_t list_ = 0;          // address of the struct r_debug, once known
  std::vector<Space> spaces_;  // by number
  std::map<Key, MappedObject> objects_;
  std::optional<ListChange> announced_;  // what ld.so has said that it is about to do
  uint64_t announced_at_ = 0;            // and when
};

}  // namespace wc
