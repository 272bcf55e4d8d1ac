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

void append_place(std::string& out, const wc_caller& caller) {
  const bool has_line = caller.file != nullptr && caller.line != 0;
  const std::string_view object = basename_of(view(caller.object));
  if (caller.symbol != nullptr) {
    append_escaped(out, caller.symbol);
    if (!has_line) append_format(out, "+{:#x}", caller.offset);
  } else if (!object.empty()) {
    append_escaped(out, object);
    append_format(out, "+{:#x}", caller.offset);
  } else {
    append_format(out, "{:#x}", caller.address);
  }
  if (has_line) {
    out += " at ";
    append_basename(out, caller.file);
    append_format(out, ":{}", caller.line);
  } else if (caller.symbol != nullptr && !object.empty()) {
    out += " in ";
    append_escaped(out, object);
  }
}

}  // namespace wc::backends
