// Globs of the selection languages: * ? [a-z] [!a-z].
#pragma once

#include <string_view>

namespace wc {

bool has_glob(std::string_view text);
bool match_glob(std::string_view pattern, std::string_view text);
// Whether every bracket of a pattern is closed.
bool brackets_close(std::string_view pattern);
// A library by glob on its soname, or by the soname's beginning up to a dot. Empty: any library.
bool match_library(std::string_view pattern, std::string_view soname);

}  // namespace wc
