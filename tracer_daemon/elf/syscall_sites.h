// Where a library enters the kernel, and how each place can be patched: engine inproc writes a jump
// over the instructions in front of `syscall`, among them the one that sets eax, and moves them to
// a thunk. The `syscall` itself stays. Refused are sites into which a branch may land, and
// instructions that cannot be moved.
//
// Source: System V psABI (eax is the number), LSB core 10.6 (.eh_frame_hdr: where functions begin),
// Zydis for the instructions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace wc {

// A 32-bit distance inside moved bytes that must lead to the same place again.
struct Fixup {
  uint8_t at = 0;       // of the distance, in SyscallSite::moved
  uint8_t end = 0;      // of its instruction: what the distance counts from
  uint64_t target = 0;  // address as in the file
};

struct SyscallSite {
  uint64_t start = 0;    // of the instructions that are moved; addresses as in the file
  uint64_t syscall = 0;  // of the instruction that stays
  uint32_t nr = 0;
  std::vector<uint8_t> moved;
  std::vector<Fixup> fixups;
  std::vector<uint8_t> original;  // the bytes from start to syscall
};

struct RefusedSite {
  uint64_t syscall = 0;
  const char* why = "";
};

struct SyscallSites {
  std::vector<SyscallSite> sites;
  std::vector<RefusedSite> refused;
};

// A jump is as long as this; so much must be replaced.
inline constexpr size_t kJumpSize = 5;
// What a thunk has room for (preload_lib/entry.S).
inline constexpr size_t kMaxMoved = 27;

// The sites of an x86-64 shared object.
Result<SyscallSites> find_syscall_sites(const std::string& path);

// The same for bytes: `code` stands at `address`, functions begin at `starts` (sorted).
SyscallSites find_syscall_sites(const std::vector<uint8_t>& code, uint64_t address,
                                const std::vector<uint64_t>& starts);

}  // namespace wc
