// The breakpoints in the text of one address space: int3 over the first byte of an instruction,
// which a thunk (displaced.h) executes for the threads that come by. Thunks stand in pages that are
// mapped into the process near its code.
//
// Death of the tracer: a process that has no handler for SIGTRAP is given one (orphan_code.S) that
// sends threads on through the thunks; and a guardian puts the text back (guardian.h).
//
// Everything needs a stopped thread of the process, for the pages are mapped in its name.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/address_range.h"
#include "base/result.h"
#include "breakpoints/code_map.h"
#include "breakpoints/displaced.h"
#include "breakpoints/guardian.h"
#include "breakpoints/orphan_home.h"
#include "kernel/process_memory.h"
#include "kernel/stopped_thread.h"

namespace wc {

// What a place in the text is watched for; a place can serve several.
enum class BreakRole : uint8_t {
  Entry = 1,        // a function that was selected
  Return = 2,       // where such a function returns to
  Libraries = 4,    // ld.so has changed its lists
  MainsCaller = 8,  // __libc_start_main: its first argument is main
  Main = 16,
  Exit = 32,          // exit(3)
  ProgramEntry = 64,  // where ld.so hands over to the program
  Constructor = 128,  // a library's first
};

struct BreakSite {
  uint64_t address = 0;
  uint64_t thunk = 0;
  Displaced displaced;
  std::array<uint8_t, kLongestInstruction> original{};
  uint8_t roles = 0;          // OR of BreakRole; 0: taken out, a thread may still be on its way
  uint32_t function = 0;      // Entry: index into the process's table of breakpoints
  uint32_t users = 0;         // Return: open scopes that return here
  uint32_t strays = 0;        // Return: threads that came by without a scope
  uint32_t orphan_entry = 0;  // in the orphans' table, from 1; 0: none
  std::optional<bool> loops;  // Entry: a branch of the function leads back to it; none: not looked

  [[nodiscard]] bool serves(BreakRole role) const { return roles & static_cast<uint8_t>(role); }
};

class Breakpoints {
 public:
  // Places at once, those of returns included.
  static constexpr uint32_t kMost = OrphanHome::kMostEntries;

  Breakpoints(pid_t pid, std::weak_ptr<Guardian> guardian)
      : pid_(pid), guardian_(std::move(guardian)) {}
  ~Breakpoints();

  // Errors: no code is there, what stands there cannot be displaced, the text cannot be written, or
  // (ENOSPC) there are too many. Placing what is there already adds a role.
  Result<BreakSite*> place(StoppedThread& stop, ProcessMemory& memory, uint64_t address,
                           BreakRole role);
  // The text is as it was before once a place serves nothing.
  void remove(ProcessMemory& memory, BreakSite& site, BreakRole role);
  void remove_all(ProcessMemory& memory);

  // The place whose int3 a thread has just executed, being at `ip` now; nullptr: it is none of
  // these.
  BreakSite* behind(uint64_t ip);
  BreakSite* at(uint64_t address);
  // What is mapped there, by the last that is known.
  CodeKind code_at(uint64_t address) { return code_.at(pid_, address); }
  // The text as the program has it: without the breakpoints. Returns how many bytes there are.
  size_t read_text(ProcessMemory& memory, uint64_t address, std::span<uint8_t> out) const;
  // Where a thread at `ip` is, seen by the program, when it is in a thunk.
  [[nodiscard]] std::optional<DisplacedPlace> in_thunk(uint64_t ip) const;

  // Memory was unmapped, somewhere in `span`: forgets the places that are not there any more.
  void forget_unmapped(ProcessMemory& memory, AddressRange span);
  // A thread has hit a place that was taken out: makes sure that it is.
  bool remove_again(ProcessMemory& memory, const BreakSite& site) const;
  // For a forked child, which has a copy of the text. A child that was forked before the first
  // breakpoint was placed, but whose fork event arrives afterwards, has no breakpoints.
  [[nodiscard]] std::shared_ptr<Breakpoints> copy_for(pid_t child, ProcessMemory& its_memory) const;
  // In a process that was attached to: takes over what a tracer that was killed has left there, so
  // that its pages and handler serve, and go, like ones that were made here. Threads may still be
  // on their way through them.
  void adopt(ProcessMemory& memory);
  // Gives the process a handler for SIGTRAP where it has none of its own; the shim's, which stands
  // in `shim`, is called for what is none of these. Once; best before any is placed. `near`: code.
  void protect(StoppedThread& stop, ProcessMemory& memory, uint64_t near, AddressRange shim);
  [[nodiscard]] bool has_been_protected() const { return protected_; }
  // Before a detach, with the text put back: takes pages and handler away again. Every thread
  // stands still, none in a thunk.
  void unmap(StoppedThread& stop, ProcessMemory& memory);
  [[nodiscard]] bool empty() const { return sites_.empty(); }

 private:
  Result<uint64_t> thunk_near(StoppedThread& stop, ProcessMemory& memory, uint64_t address);
  Result<Arena*> map_arena(StoppedThread& stop, ProcessMemory& memory, uint64_t near);
  Result<uint64_t> thunk_for(StoppedThread& stop, ProcessMemory& memory, uint64_t address,
                             std::span<const uint8_t> text, Displaced& displaced);

  pid_t pid_;
  CodeMap code_;
  // Empty: there is none, or the tracer has given up and it puts the text back.
  std::weak_ptr<Guardian> guardian_;
  std::map<uint64_t, BreakSite> sites_;  // by address
  std::map<uint64_t, uint64_t> thunks_;  // thunk -> address
  std::vector<Arena> arenas_;
  OrphanHome home_;
  std::map<uint64_t, OrphanHome::Entry> inherited_;  // by address: adopted and not used yet
  bool protected_ = false;                           // asked for, whatever came of it
};

}  // namespace wc
