// fmt::format_to a string. fmt's own is a template that brings its whole formatter into every file
// that calls it, which takes longer to compile than the rest of most files here.
#pragma once

#include <fmt/core.h>

#include <string>

namespace wc::backends {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args values);

template <typename... Values>
void append_format(std::string& out, fmt::format_string<Values...> format, Values&&... values) {
  append_formatted(out, format, fmt::make_format_args(values...));
}

}  // namespace wc::backends
