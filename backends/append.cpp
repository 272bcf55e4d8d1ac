#include "append.h"

#include <fmt/format.h>

namespace wc::backends {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args values) {
  out += fmt::vformat(format, values);
}

}  // namespace wc::backends
