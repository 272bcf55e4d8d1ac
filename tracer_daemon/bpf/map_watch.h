// Which code a program maps, told by the kernel as it happens (perf_event_open(2),
// PERF_RECORD_MMAP2): a program may be gone when its calls are reported, and its addresses are to
// be names all the same. Of one process that is about to begin, and of all that comes from it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "proc/maps.h"

namespace wc {

// One thing that has become of a process's map.
struct MapChange {
  uint64_t time = 0;     // CLOCK_MONOTONIC, nanoseconds
  bool is_exec = false;  // nothing of it is left; else:
  proc::Mapping mapping;
};

class MapWatch {
 public:
  static Result<std::unique_ptr<MapWatch>> start(pid_t pid);
  ~MapWatch();

  // Takes what the kernel has written since.
  void fetch();
  // The next change of this process up to `time`; false: there is none.
  bool next(pid_t pid, uint64_t time, MapChange& change);
  // The same without taking it.
  [[nodiscard]] const MapChange* look(pid_t pid, uint64_t time) const;
  void forget(pid_t pid) { changes_.erase(pid); }

 private:
  struct Buffer;
  MapWatch();
  void read(Buffer& buffer);
  void on_record(const unsigned char* record, size_t size);

  std::vector<std::unique_ptr<Buffer>> buffers_;  // one a processor
  std::unordered_map<pid_t, std::deque<MapChange>> changes_;
};

}  // namespace wc
