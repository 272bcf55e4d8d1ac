#include "frames.h"

#include <string_view>

#include "append.h"
#include "escape.h"

namespace wc::backends {

std::string source_of(const wc_caller& at) {
  const std::string_view path = view(at.file);
  size_t begin = path.rfind('/') + 1;
  if (begin > 1 && path.substr(begin).starts_with("__")) begin = path.rfind('/', begin - 2) + 1;
  std::string source(path.substr(begin));
  if (at.line != 0) source += ":" + std::to_string(at.line);
  return source;
}

void append_frame(std::string& out, const wc_stack_frame& frame) {
  const bool is_python = is_interpreted(frame);
  append_escaped(out, view(is_python ? frame.at.file : frame.at.object));
  out += '(';
  if (frame.at.symbol != nullptr) append_escaped(out, frame.at.symbol);
  if (is_python) {
    out += ") [python] ";
    return append_escaped(out, source_of(frame.at));
  }
  if (frame.at.symbol != nullptr) append_format(out, "+{:#x}", frame.at.offset);
  append_format(out, ") [{:#x}]", frame.object_offset);
  if (frame.at.file == nullptr) return;
  out += ' ';
  append_basename(out, frame.at.file);
  if (frame.at.line != 0) append_format(out, ":{}", frame.at.line);
}

}  // namespace wc::backends
