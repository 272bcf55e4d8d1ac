#include "escape.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include "append.h"

namespace wc::backends {

namespace {

// The kernel's, not libc's, which keeps the first two for itself and starts at 34.
constexpr int kFirstRealTime = 32;
constexpr int kLastRealTime = 64;

bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '\\'; }
bool is_octal_digit(char c) { return c >= '0' && c <= '7'; }

// The letter of a C escape, or 0.
char short_escape(char c) {
  switch (c) {
    case '\\':
      return '\\';
    case '\n':
      return 'n';
    case '\t':
      return 't';
    case '\r':
      return 'r';
    case '\v':
      return 'v';
    case '\f':
      return 'f';
    default:
      return 0;
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (is_plain(c)) {
      out += c;
    } else if (const char letter = short_escape(c)) {
      out += '\\';
      out += letter;
    } else {
      // As short as it can be: a following digit would be read as part of it.
      const bool digit_follows = i + 1 < bytes.size() && is_octal_digit(bytes[i + 1]);
      const unsigned byte = static_cast<unsigned char>(c);
      if (digit_follows) {
        append_format(out, "\\{:03o}", byte);
      } else {
        append_format(out, "\\{:o}", byte);
      }
    }
  }
}

std::string_view basename_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos && slash + 1 < path.size()) path.remove_prefix(slash + 1);
  return path;
}

void append_basename(std::string& out, std::string_view path) {
  append_escaped(out, basename_of(path));
}

void append_signal_name(std::string& out, int signal) {
  if (signal == SIGIO) {  // glibc prefers the alias SIGPOLL, strace and people do not
    out += "SIGIO";
  } else if (signal == kFirstRealTime) {
    out += "SIGRTMIN";
  } else if (signal > kFirstRealTime && signal <= kLastRealTime) {
    append_format(out, "SIGRT_{}", signal - kFirstRealTime);
  } else if (const char* name = sigabbrev_np(signal)) {
    append_format(out, "SIG{}", name);
  } else {
    append_format(out, "SIG_{}", signal);
  }
}

}  // namespace wc::backends
