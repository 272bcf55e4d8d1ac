// Small appenders for decoded text. They exist because decoding runs for every
// reported syscall: no streams, no format strings, no temporaries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wc {

void append_dec(std::string& out, int64_t value);
void append_udec(std::string& out, uint64_t value);
// 'x', '\n'; -1 is EOF.
void append_char(std::string& out, int32_t c);
// C's %#x: zero has no prefix.
void append_hex(std::string& out, uint64_t value);
// An address: NULL or hexadecimal.
void append_pointer(std::string& out, uint64_t value);
// Two digits, without "0x".
void append_hex_byte(std::string& out, unsigned char byte);
// C's %#03o, as strace prints modes: 000, 04 is 004, 0644.
void append_octal(std::string& out, uint64_t value);
// S_IFREG|S_ISUID|0644
void append_file_mode(std::string& out, uint32_t mode);
// makedev(0x88, 0)
void append_device(std::string& out, uint64_t device);
// {tv_sec=1, tv_nsec=0}
void append_time(std::string& out, int64_t seconds, int64_t fraction, std::string_view unit);
// clock_t: "3 /* 0.03 s */", 100 ticks a second.
void append_ticks(std::string& out, int64_t ticks);
// " /* 1970-01-01T00:00:01+0000 */", nothing for the epoch itself, as strace prints it.
// `digits` is how many the fraction has: 6 for microseconds.
void append_date_comment(std::string& out, int64_t seconds, int64_t fraction, unsigned digits);

// Characters that are escaped although they are printable, for text between < and >.
enum class QuoteStyle : uint8_t {
  Plain,  // "text"
  Path,   // no quotes; < and > are escaped
  Hex,    // "\x01\x02": every byte
};
// Appends `bytes`, all of them, escaped, with the quotes that the style has.
void append_quoted(std::string& out, std::string_view bytes, QuoteStyle style = QuoteStyle::Plain);

}  // namespace wc
