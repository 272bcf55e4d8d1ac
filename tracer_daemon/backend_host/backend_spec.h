// The argument of -b: NAME, ./file.so or ./file.lua, with options behind a colon.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wc {

struct BackendSpec {
  std::string text;  // as given
  std::string name;  // of it; a path when it contains a slash
  std::map<std::string, std::string, std::less<>> options;

  [[nodiscard]] bool is_path() const { return name.find('/') != std::string::npos; }
};

// NAME[:key=value[,key=value...]]. The name ends at the first colon, a value at the next comma.
// ./file.lua is lua:script=./file.lua.
Result<BackendSpec> parse_backend_spec(std::string_view text);

// Whether a backend that knows `known` (space-separated names) takes the options; `output` is
// known for every backend, because the host serves it. The error names what is known.
Status check_backend_options(const BackendSpec& spec, std::string_view known);

// "unknown backend ...", with the nearest name and all built-in ones.
Error unknown_backend(const BackendSpec& spec);

}  // namespace wc
