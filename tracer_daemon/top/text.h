// Text for a terminal. Names, paths and arguments come from the traced program, which may be
// hostile: nothing that moves the cursor, changes colours or hides text gets through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wc::top {

// The character that `bytes` begins with, and how many bytes it takes; `is_valid` false: the first
// byte begins none. `bytes` must not be empty.
struct Decoded {
  char32_t character = 0;
  size_t size = 1;
  bool is_valid = false;
};
Decoded decode_utf8(std::string_view bytes);
void append_utf8(std::string& to, char32_t character);

// Control characters, invalid UTF-8 and characters without a shape become \n, \xff, \u{202e}. What
// is left has a width. Needs a UTF-8 locale for what is not ASCII; in another one that is escaped.
std::string clean(std::string_view bytes);

// Columns that cleaned text takes.
size_t width(std::string_view cleaned);
// Cut to at most `columns`; what was cut ends with '~'.
std::string cut(std::string_view cleaned, size_t columns);
// How many bytes of it take at most so many columns.
size_t bytes_within(std::string_view cleaned, size_t columns);
// Without its first columns. A wide character in the middle of the cut becomes a blank.
std::string skip(std::string_view cleaned, size_t columns);

enum class Align { Left, Right };
// Exactly `columns` wide.
std::string fit(std::string_view cleaned, size_t columns, Align align);

// 12,345 or 12.3M: at most seven columns.
std::string short_count(uint64_t count);
std::string grouped(uint64_t count);
// 999 ns, 12.3 us, 4.56 s, 3:25 h.
std::string short_time(uint64_t nanoseconds);

}  // namespace wc::top
