// What one run has counted, by row: "fsync in save", or a whole stack.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wc {

struct Amount {
  uint64_t count = 0, errors = 0, ns = 0;
};

struct Profile {
  enum class Kind { Summary, Folded };
  Kind kind = Kind::Summary;
  std::string by;  // of a summary: what its rows are
  std::map<std::string, Amount> rows;
};

// Of `-b summary:format=json`. A function's row counts its calls, a row "SYSCALL in FUNCTION" the
// system calls.
Result<Profile> profile_of_summary(std::string_view json);
// Of `-b folded`: each line is a stack and a number.
Result<Profile> profile_of_folded(std::string_view text);

}  // namespace wc
