#include "text_words.h"

#include <charconv>

#include "append.h"
#include "escape.h"

namespace wc::backends {

void append_digits(std::string& out, uint64_t number, int base) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  out.append(digits, end);
}

void append_caller(std::string& out, const wc_caller& caller) {
  if (caller.address == 0 && caller.object == nullptr && caller.symbol == nullptr) return;
  out += '<';
  if (caller.symbol != nullptr) {
    append_escaped(out, caller.symbol);
    out += "+0x";
    append_digits(out, caller.offset, 16);
  } else if (caller.object != nullptr) {
    append_basename(out, caller.object);
    append_format(out, "+{:#x}", caller.offset);
  } else {
    append_format(out, "{:#x}", caller.address);
  }
  if (caller.file != nullptr) {
    out += " at ";
    append_basename(out, caller.file);
    if (caller.line != 0) {
      out += ':';
      append_digits(out, caller.line, 10);
    }
  } else if (caller.symbol != nullptr && caller.object != nullptr) {
    out += " in ";
    append_basename(out, caller.object);
  }
  out += '>';
}

void append_duration(std::string& out, uint64_t nanoseconds) {
  const uint64_t micros = nanoseconds / 1000;
  append_format(out, " <{}.{:06}>", micros / 1'000'000, micros % 1'000'000);
}

void append_tampering(std::string& out, uint32_t flags) {
  const bool has_args = (flags & WC_SYSCALL_INJECTED_ARGS) != 0;
  const bool has_result = (flags & WC_SYSCALL_INJECTED) != 0;
  if (has_args)
    out += has_result ? " (INJECTED: args, retval)" : " (INJECTED: args)";
  else if (has_result)
    out += " (INJECTED)";
  if ((flags & WC_SYSCALL_DELAYED) != 0) out += " (DELAYED)";
}

}  // namespace wc::backends
