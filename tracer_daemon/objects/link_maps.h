// One namespace's list of ld.so (struct link_map in <link.h>), kept from one look to the next, so
// that a look costs what has changed. ld.so appends what it loads, and takes out what it unloads
// wherever that stands. The list is the program's memory: it may be anything.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/tracee_memory.h"

namespace wc {

struct LinkMap {
  uint64_t at = 0;       // of the entry itself: names the object as long as it is there
  uint64_t base = 0;     // what is added to an address as in the file
  uint64_t name = 0;     // where its name stands
  uint64_t dynamic = 0;  // where its dynamic section is: inside the object
  uint64_t next = 0;     // as last seen

  [[nodiscard]] bool is_same_object(const LinkMap& other) const {
    return at == other.at && base == other.base && dynamic == other.dynamic;
  }
};

struct LinkMapChanges {
  std::vector<LinkMap> fresh, gone;  // in the list's order
};

// What can have happened since the last look.
enum class ListChange { Any, OnlyLoaded };

class LinkMaps {
 public:
  LinkMapChanges look(pid_t pid, TraceeMemory& memory, uint64_t head, ListChange change);
  [[nodiscard]] const std::vector<LinkMap>& known() const { return known_; }

 private:
  bool has_kept_its_end(TraceeMemory& memory, uint64_t head);
  void follow(TraceeMemory& memory, uint64_t at, LinkMapChanges& changes);
  LinkMapChanges compare_all(pid_t pid, TraceeMemory& memory, uint64_t head);

  std::vector<LinkMap> known_;
};

}  // namespace wc
