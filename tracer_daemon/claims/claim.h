// Claims: how many system calls, errors, bytes, ... a run has at most, at least or exactly.
//
//   [KIND:]SYSCALLS[@FUNCTIONS] OP N        KIND: count (where none is given), errors, bytes, time,
//   max calls:FUNCTIONS OP N                    OP:   == != <= >= < >
//
// docs/claims.md is the manual.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/selection.h"
#include "decode/syscall_filter.h"
#include "wc_backend.h"

namespace wc {

enum class ClaimKind : uint8_t { Count, Errors, Bytes, Time, Max, Calls };
enum class ClaimOp : uint8_t { Equal, NotEqual, AtMost, AtLeast, Less, More };

// FUNCTIONS of a claim.
struct ClaimFunctions {
  std::vector<Term> terms;
  std::vector<std::string> methods;  // those with `::`, as -B takes them; "f" for "::f"

  [[nodiscard]] bool empty() const { return terms.empty() && methods.empty(); }
  // Whether a call is of one of them.
  [[nodiscard]] bool select(const wc_call& call) const;
};

struct Claim {
  std::string text;   // as the user wrote it
  std::string where;  // "claims.txt:3"; empty for the command line
  ClaimKind kind = ClaimKind::Count;
  SyscallSet syscalls;       // of all kinds but Calls
  ClaimFunctions functions;  // empty: every open call, and what is outside of calls
  ClaimOp op = ClaimOp::Equal;
  uint64_t limit = 0;  // nanoseconds for Time and Max

  [[nodiscard]] bool holds(uint64_t number) const;
  [[nodiscard]] bool is_time() const { return kind == ClaimKind::Time || kind == ClaimKind::Max; }
};

// Errors name the claim, the part that is wrong, and what would be valid.
Result<Claim> parse_claim(std::string_view text, std::string_view where = {});

// "61.2 ms" for a time, "5" for the rest; nothing is rounded.
std::string number_text(const Claim& claim, uint64_t number);

// The system calls whose result is a number of bytes that were moved.
const SyscallSet& byte_movers();
// What is wrong with a claim about the bytes of these; empty: nothing.
std::string bytes_obstacle(const SyscallSet& syscalls, std::string_view list);

}  // namespace wc
