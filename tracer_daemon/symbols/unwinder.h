// The calls that led to where a thread stands, as `strace -k` has them: by libunwind, from the
// thread's registers and its memory, which may be a copy that engine inproc made earlier.
//
// libunwind's own ptrace accessors would read /proc/PID/maps again for every new address and need
// a thread that stands still; here modules are found by the Symbolizer, and unwind information is
// read from a copy of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/tracee_memory.h"
#include "symbols/symbolizer.h"

namespace wc {

// By DWARF number (System V ABI, AMD64 supplement, figure 3.36). Unknown ones end the unwinding
// where a frame depends on them.
struct StackRegisters {
  static constexpr size_t kBp = 6, kSp = 7, kIp = 16, kCount = 17;
  std::array<std::optional<uint64_t>, kCount> values;

  static StackRegisters of(uint64_t ip, uint64_t sp, uint64_t bp) {
    StackRegisters registers;
    registers.values[kIp] = ip;
    registers.values[kSp] = sp;
    registers.values[kBp] = bp;
    return registers;
  }

  [[nodiscard]] uint64_t ip() const { return values[kIp].value_or(0); }
  [[nodiscard]] uint64_t sp() const { return values[kSp].value_or(0); }
};

struct StackFrame {
  uint64_t ip = 0;           // where the frame goes on
  uint64_t sp = 0, end = 0;  // its place on the stack: `end` is its caller's `sp`; 0: unknown
  bool is_hidden = false;    // one of the shim's, not to be shown
  bool is_exact = false;     // `ip` itself is meant, not the call in front of it
  Location at;
};

using Stack = std::vector<StackFrame>;

inline constexpr unsigned kMaxStackDepth = 256;  // as strace has it

class Unwinder {
 public:
  // `hidden_object`: the shim. `depth`: of frames that are shown.
  Unwinder(Symbolizer& symbols, std::string hidden_object, unsigned depth);
  ~Unwinder();

  // Innermost first.
  Stack unwind(int32_t pid, const StackRegisters& registers, TraceeMemory& memory);
  void forget(int32_t pid);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wc
