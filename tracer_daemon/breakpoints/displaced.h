// One instruction, made to run somewhere else with the same effect.
//
// Where a breakpoint stands, the instruction underneath is displaced. A thread that has hit the
// breakpoint goes on in a thunk: the displaced instruction and a jump behind its own place. So the
// breakpoint is never taken out while other threads run, nothing is single-stepped, and going on
// costs no stop of its own.
//
// What depends on where it stands is rewritten: addresses relative to rip, branches, calls (which
// must leave the return address of their own place). Pure; Zydis decodes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace wc {

inline constexpr size_t kLongestInstruction = 15;
inline constexpr size_t kDisplacedSize = 40;

// A place inside a thunk where a thread may be found, and the same place in the program.
struct DisplacedPlace {
  uint8_t offset = 0;
  uint8_t undo_push = 0;  // bytes that the thunk has taken from the stack already
  uint64_t original = 0;
};

struct Displaced {
  std::array<uint8_t, kDisplacedSize> code{};
  uint8_t size = 0;
  uint8_t length = 0;  // of the instruction in its own place
  uint8_t place_count = 0;
  std::array<DisplacedPlace, 6> places{};

  // Where a thread at `offset` of the thunk is, seen by the program.
  [[nodiscard]] std::optional<DisplacedPlace> place(uint64_t offset) const;
};

// `bytes`: what stands at `from`, as many as can be read. `to`: where the thunk will be, within
// 2 GiB of `from` and of what the instruction refers to. Errors say what cannot be moved.
Result<Displaced> displace(std::span<const uint8_t> bytes, uint64_t from, uint64_t to);

}  // namespace wc
