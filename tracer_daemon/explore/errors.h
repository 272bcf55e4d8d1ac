// Which errors a system call is made to return.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc::explore {

// What --explore=... asks for.
struct ErrorChoice {
  enum class Kind { Telling, Named, All };
  Kind kind = Kind::Telling;
  std::vector<std::string> names;  // Named
};

// "" (the most telling one of each call), "all" (those of its manual page), or "EIO,ENOSPC".
Result<ErrorChoice> parse_error_choice(std::string_view text);

// Empty: the call cannot fail. A call without a row in errors.def gets ENOSYS, which every call
// returns on a kernel without it.
std::vector<std::string> errors_for(std::string_view syscall, const ErrorChoice& choice);

// The rows of errors.def, for a test.
struct ErrorRow {
  std::string_view syscall;
  std::string_view errors;  // with blanks between them
};
std::vector<ErrorRow> error_rows();

}  // namespace wc::explore
