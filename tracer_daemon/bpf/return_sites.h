// How the end of a function's calls is seen. A return probe replaces the return address on the
// stack: an exception cannot be unwound through it, and a stack that Go moves is not found again.
// So where either may happen the function's own `ret` instructions are probed.
//
// Pure: code in, places out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace wc {

struct ReturnSites {
  bool is_go = false;
  bool by_address = true;         // by a return probe; else:
  std::vector<uint64_t> rets;     // places of `ret`
  std::vector<uint64_t> jumps;    // places of jumps out of the function
  std::vector<uint64_t> targets;  // where these go, as far as they say
};

// The instructions of the function at `begin`, which ends in front of `end`; as addresses there.
// Empty `rets` and `jumps`: it cannot be read, or never returns.
ReturnSites find_returns(std::span<const uint8_t> code, uint64_t begin);

// Where the function's entry is probed best: the kernel steps over most instructions, which takes
// 9 us, and emulates a few. So the first of these is taken that every call comes to with its
// arguments and its stack as they were; else the first instruction behind endbr64.
uint64_t find_entry(std::span<const uint8_t> code, uint64_t begin);

}  // namespace wc
