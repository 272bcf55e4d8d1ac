// Where a program or library enters the kernel, and how each place can be patched: engine inproc
// writes a jump over the instructions in front of `syscall`, among them the one that sets eax, and
// moves them to a thunk. The `syscall` itself stays. Refused are sites into which control may
// arrive, and instructions that cannot be moved.
//
// Source: System V psABI (eax is the number), Zydis for the instructions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "elf/code_image.h"

namespace wc {

// A 32-bit distance inside moved bytes that must lead to the same place again.
struct Fixup {
  uint8_t at = 0;       // of the distance, in SyscallSite::moved
  uint8_t end = 0;      // of its instruction: what the distance counts from
  uint64_t target = 0;  // address as in the file
  friend bool operator==(const Fixup&, const Fixup&) = default;
};

struct SyscallSite {
  uint64_t start = 0;    // of the instructions that are moved; addresses as in the file
  uint64_t syscall = 0;  // of the instruction that stays
  uint32_t nr = 0;
  std::vector<uint8_t> moved;
  std::vector<Fixup> fixups;
  std::vector<uint8_t> original;  // the bytes from start to syscall
  friend bool operator==(const SyscallSite&, const SyscallSite&) = default;
};

enum class SiteRefusal : uint8_t {
  NoNumber,       // nothing in front of it sets eax to a number
  UnknownNumber,  // eax is computed
  Control,        // a call, jump or trap stands in the window
  Immovable,      // an instruction that means something else elsewhere
  TooLong,        // for a thunk
  Entered,        // control may arrive between the instructions of the window
  NotReached,     // only an indirect jump or an unwinder leads there
  NoFunction,     // no unwind information says in which function it stands
};
inline constexpr SiteRefusal kLastRefusal = SiteRefusal::NoFunction;
const char* reason(SiteRefusal why);

struct RefusedSite {
  uint64_t syscall = 0;
  SiteRefusal why = SiteRefusal::NoNumber;
  friend bool operator==(const RefusedSite&, const RefusedSite&) = default;
};

// Where an executable segment stands in the file: by it a mapping's load address is known.
struct CodePlace {
  uint64_t address = 0, offset = 0, size = 0;
  friend bool operator==(const CodePlace&, const CodePlace&) = default;
};

struct SyscallSites {
  std::vector<CodePlace> code;
  std::vector<SyscallSite> sites;
  std::vector<RefusedSite> refused;
  friend bool operator==(const SyscallSites&, const SyscallSites&) = default;
};

// A jump is as long as this; so much must be replaced.
inline constexpr size_t kJumpSize = 5;
// What a thunk has room for (preload_lib/site.S).
inline constexpr size_t kMaxMoved = 27;

Result<SyscallSites> find_syscall_sites(const std::string& path);
SyscallSites find_syscall_sites(const CodeImage& image);

}  // namespace wc
