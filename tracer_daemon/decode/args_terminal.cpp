// Terminals: window size and settings (termios, abbreviated as strace does).
#include <asm/termbits.h>

#include "decode/args.h"

namespace wc {
namespace {

struct Winsize {
  uint16_t row, col, xpixel, ypixel;
};

void append_winsize(const Arg& arg, std::string& out) {
  Winsize size;
  if (!fetch_or_address(arg, size, out)) return;
  out += "{ws_row=";
  append_udec(out, size.row);
  out += ", ws_col=";
  append_udec(out, size.col);
  out += ", ws_xpixel=";
  append_udec(out, size.xpixel);
  out += ", ws_ypixel=";
  append_udec(out, size.ypixel);
  out += '}';
}

// A field of several bits among flags: its name, and the flags behind it.
void append_setting(std::string& out, FlagTable table, uint32_t value) {
  if (!out.ends_with('=')) out += '|';
  append_enum(out, table, value);
}

void append_rest(std::string& out, FlagTable table, uint32_t value) {
  if (value == 0) return;
  out += '|';
  append_flags(out, table, value);
}

void append_termios(const Arg& arg, std::string& out) {
  termios settings;
  if (!fetch_or_address(arg, settings, out)) return;
  out += "{c_iflag=";
  if (settings.c_iflag != 0) append_flags(out, FlagTable::TermiosInput, settings.c_iflag);
  out += ", c_oflag=";
  constexpr uint32_t kDelays = NLDLY | CRDLY | TABDLY | BSDLY | VTDLY | FFDLY;
  append_setting(out, FlagTable::TermiosNewline, settings.c_oflag & NLDLY);
  append_setting(out, FlagTable::TermiosReturn, settings.c_oflag & CRDLY);
  append_setting(out, FlagTable::TermiosTab, settings.c_oflag & TABDLY);
  append_setting(out, FlagTable::TermiosBackspace, settings.c_oflag & BSDLY);
  append_setting(out, FlagTable::TermiosVertical, settings.c_oflag & VTDLY);
  append_setting(out, FlagTable::TermiosForm, settings.c_oflag & FFDLY);
  append_rest(out, FlagTable::TermiosOutput, settings.c_oflag & ~kDelays);
  out += ", c_cflag=";
  append_setting(out, FlagTable::TermiosBaud, settings.c_cflag & CBAUD);
  append_setting(out, FlagTable::TermiosSize, settings.c_cflag & CSIZE);
  append_rest(out, FlagTable::TermiosControl,
              settings.c_cflag & ~static_cast<uint32_t>(CBAUD | CSIZE));
  out += ", c_lflag=";
  append_flags(out, FlagTable::TermiosLocal, settings.c_lflag);
  out += ", ...}";
}

}  // namespace

void decode_terminal(const Arg& arg, DecodedArg& to) {
  switch (arg.spec.kind) {
    case ArgKind::Winsize:
    case ArgKind::WinsizeOut:
      return append_winsize(arg, to.text);
    case ArgKind::Termios:
    case ArgKind::TermiosOut:
      return append_termios(arg, to.text);
    default:
      return append_pointer(to.text, arg.word);
  }
}

}  // namespace wc
