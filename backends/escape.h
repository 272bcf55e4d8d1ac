// Bytes of the traced program on their way to a terminal or a log.
//
// Texts that the host made (fields named *text) come escaped. Names and paths do
// not: a symbol or a file name may hold anything but NUL, terminal control
// sequences included, so everything that prints one goes through here.
#pragma once

#include <string>
#include <string_view>

namespace wc::backends {

// An absent text is an empty one.
inline std::string_view view(const char* text) { return text != nullptr ? text : ""; }

// Appends printable ASCII as it is and the rest as strace does: \n, \33, \303\251, \\.
void append_escaped(std::string& out, std::string_view bytes);

// The part after the last slash, not escaped.
std::string_view basename_of(std::string_view path);

// Appends that part, escaped.
void append_basename(std::string& out, std::string_view path);

// Appends "SIGINT", "SIGRT_3" or, for what is no signal, "SIG_99".
void append_signal_name(std::string& out, int signal);

}  // namespace wc::backends
