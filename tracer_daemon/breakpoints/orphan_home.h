// What keeps a process alive when the tracer is killed: pages in it, with a handler for SIGTRAP
// (orphan_code.S) and a table of all breakpoints that the handler reads. A tracer that attaches
// later finds them by their bytes and takes them over.
//
// Layout of the first arena, in pages of 4 KiB: handler, room for a system call in a thread's name,
// the record for the next tracer; the table; thunks; one page that can be written, which such
// system calls read and write. The thread's own stack may be a coroutine's of a few hundred bytes,
// with somebody else's next to it.
#pragma once

#include <sys/types.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <vector>

#include "base/address_range.h"
#include "base/result.h"
#include "kernel/process_memory.h"
#include "kernel/stopped_thread.h"

namespace wc {

// The instruction that a breakpoint is.
inline constexpr uint8_t kInt3 = 0xcc;

// As rt_sigaction(2) takes it.
struct SignalAction {
  uint64_t handler = 0, flags = 0, restorer = 0, mask = 0;
};

// Pages for thunks, mapped in the process. [next, end) is free.
struct Arena {
  uint64_t begin = 0, end = 0, next = 0, size = 0;
};

class OrphanHome {
 public:
  static constexpr uint64_t kPage = 4096;
  static constexpr uint64_t kArenaSize = 128 * kPage;
  static constexpr uint64_t kTableSize = 1025 * kPage;
  static constexpr uint64_t kSize = kArenaSize + kTableSize;  // of the first arena
  static constexpr uint32_t kMostEntries = 262'144;
  static constexpr uint64_t kThunkRoom = 48;  // bytes of an arena for each thunk

  [[nodiscard]] bool exists() const { return address_ != 0; }
  static Error cannot_write() { return {"its text cannot be written", EPERM}; }

  // In the first arena, which is mapped. Nothing runs there before all of it is in place.
  Status make(StoppedThread& stop, ProcessMemory& memory, Arena& first);
  // For the tracer that takes over. One too many is left behind by it.
  Status note_arena(ProcessMemory& memory, const Arena& arena, uint64_t number) const;

  // A thread that meets int3 at `address` goes on at `go_on`. `entry`: its number in the table,
  // from 1; 0: it has none yet. False: it could not be written.
  bool note(ProcessMemory& memory, uint32_t& entry, uint64_t address, uint64_t go_on);
  // Whatever comes to stand at its place is not sent to its thunk.
  void free(ProcessMemory& memory, uint32_t entry);
  [[nodiscard]] bool is_full() const { return entries_ == kMostEntries && free_.empty(); }

  // A system call in the thread's name, made where the thread finds back without the tracer.
  Result<uint64_t> call(StoppedThread& stop, ProcessMemory& memory, uint32_t nr,
                        const std::array<uint64_t, 6>& args) const;

  // SIGTRAP: the handler here stands in for the default action. The shim's, which stands in
  // `shim`, is called for what is no breakpoint; the program's own stays.
  void take_signal(StoppedThread& stop, ProcessMemory& memory, AddressRange shim);
  void give_signal_back(StoppedThread& stop, ProcessMemory& memory);

  // What a killed tracer has left in the process.
  struct Entry {
    uint32_t number = 0;
    uint64_t thunk = 0;
  };
  struct Adopted {
    std::vector<Arena> arenas;
    std::map<uint64_t, Entry> entries;  // by address
  };
  Adopted adopt(pid_t pid, ProcessMemory& memory);

 private:
  bool adopt_at(ProcessMemory& memory, uint64_t home, Adopted& found);
  bool read_action(StoppedThread& stop, ProcessMemory& memory, SignalAction& action) const;
  [[nodiscard]] bool write_action(StoppedThread& stop, ProcessMemory& memory,
                                  const SignalAction& action) const;

  uint64_t address_ = 0;
  uint32_t entries_ = 0;        // how many of the table's have ever been used
  std::vector<uint32_t> free_;  // among them
  bool has_handler_ = false;    // it stands in for `former_`
  SignalAction former_;
};

}  // namespace wc
