// Rules: what happens to a syscall, where, and when (--inject, --fault, --deny).
//
//   SYSCALLS[@FUNCTIONS][:from=WHERE][:if=COND]...:ACTION[:ACTION...][:when=EXPR][:p=P[,seed=N]]
//
// The grammar is strace's (strace(1), "Tampering") and means the same; FUNCTIONS, from=, if=,
// argN=, short=, corrupt=, kill, stop, p= and count= go beyond it. docs/rules.md is the manual.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/selection.h"
#include "decode/syscall_filter.h"

namespace wc {

enum class RuleKind : uint8_t { Inject, Fault, Deny };

// Bytes that are written through a pointer argument.
struct Poke {
  uint8_t argument = 0;  // 0 to 5
  std::vector<uint8_t> bytes;
};

struct RuleAction {
  std::optional<int64_t> result;             // the syscall is not executed; errors as -errno
  std::optional<uint32_t> syscall;           // this one is executed instead
  int signal = 0;                            // is delivered
  uint64_t delay_enter = 0, delay_exit = 0;  // nanoseconds
  std::vector<Poke> poke_enter, poke_exit;
  std::array<std::optional<uint64_t>, 6> words;       // arguments to be replaced by a number
  std::array<std::optional<std::string>, 6> strings;  // or by a pointer to these bytes
  std::optional<uint64_t> most;  // short=: bytes that are read or written at most
  uint32_t corrupt = 0;          // bytes of the data that are flipped
  bool kill = false, stop = false;
};

// strace's FIRST[..LAST][+[STEP]]: which of the calls, counted from 1.
struct RuleWhen {
  uint64_t first = 1, last = UINT64_MAX, step = 1;

  [[nodiscard]] bool holds(uint64_t count) const {
    return count >= first && count <= last && (count - first) % step == 0;
  }
};

enum class CountedBy : uint8_t { Thread, Process, Run };

struct RuleCondition {
  enum class Kind : uint8_t { Equal, NotEqual, Less, Greater, AnyBit, Path, Descriptor, Size };
  Kind kind = Kind::Equal;
  uint8_t argument = 0;
  uint64_t value = 0;
  std::string glob;  // Path
};

struct Rule {
  std::string text;  // as the user wrote it
  RuleKind kind = RuleKind::Inject;
  SyscallSet syscalls;
  std::vector<Term> functions;           // both empty: in every call
  std::vector<std::string> methods;      // those with `::`, as -B takes them: globs; "f" for "::f"
  std::string from_symbol, from_object;  // globs; empty: anywhere
  std::vector<RuleCondition> conditions;
  RuleAction action;
  std::string action_text;  // "error=EIO", for JSON
  RuleWhen when;
  CountedBy counted_by = CountedBy::Thread;
  double probability = 1;
  uint64_t seed = 0;
  bool seed_given = false;
};

// Errors name the part that is wrong and what would be valid, behind `where` ("a.ini:3: [policy]
// deny") or, where that is empty, the option.
Result<Rule> parse_rule(RuleKind kind, std::string_view text, std::string_view where = {});

// Chooses a seed where one is needed and was not given. Whether it has.
bool choose_seed(Rule& rule);

// Whether a call that was made in this object, in a function of this name, is from the rule's place
// (from=), if it has one.
bool is_from_place(const Rule& rule, std::string_view object, std::string_view symbol);

// "main", or "parse" of "parse(char const*)".
bool matches_symbol(std::string_view glob, std::string_view symbol);

}  // namespace wc
