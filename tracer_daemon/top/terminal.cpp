#include "top/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <iterator>
#include <string>

#include "top/text.h"

// Behind all others: its macros take names such as columns.
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <term.h>
#undef columns
#undef lines

namespace wc::top {
namespace {

constexpr wint_t kEscape = 0x1b, kRepaint = 0x0c, kDelete = 0x7f, kBackspace = 0x08;

std::optional<KeyName> name_of(wint_t code) {
  switch (code) {
    case KEY_UP:
      return KeyName::Up;
    case KEY_DOWN:
      return KeyName::Down;
    case KEY_PPAGE:
      return KeyName::PageUp;
    case KEY_NPAGE:
      return KeyName::PageDown;
    case KEY_HOME:
      return KeyName::Home;
    case KEY_END:
      return KeyName::End;
    case KEY_LEFT:
      return KeyName::Left;
    case KEY_RIGHT:
      return KeyName::Right;
    case KEY_ENTER:
      return KeyName::Enter;
    case KEY_BACKSPACE:
      return KeyName::Backspace;
    case KEY_BTAB:
      return KeyName::BackTab;
    case KEY_F(1):
      return KeyName::Help;
    case KEY_F(10):
      return KeyName::Quit;
    default:
      return std::nullopt;
  }
}

Key key_of(wint_t character) {
  switch (character) {
    case '\n':
    case '\r':
      return {KeyName::Enter, 0};
    case '\t':
      return {KeyName::Tab, 0};
    case kEscape:
      return {KeyName::Escape, 0};
    case kDelete:
    case kBackspace:
      return {KeyName::Backspace, 0};
    default:
      return {KeyName::Character, static_cast<char32_t>(character)};
  }
}

std::wstring wide(std::string_view cleaned) {
  std::wstring text;
  while (!cleaned.empty()) {
    const Decoded one = decode_utf8(cleaned);
    text += static_cast<wchar_t>(one.character);
    cleaned.remove_prefix(one.size);
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<Terminal>> Terminal::open() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
    return Error{
        "standard input and output must be a terminal; for scripts there is: wc-ctl PATH "
        "subscribe"};
  const char* name = std::getenv("TERM");
  const std::string term = name != nullptr ? name : "";
  if (term.empty()) return Error{"TERM is not set: which terminal this is, is unknown"};
  int unknown = 0;
  if (setupterm(term.c_str(), STDOUT_FILENO, &unknown) != OK)
    return Error{"TERM=" + term +
                 " is unknown here; set TERM to what this terminal is like, such "
                 "as xterm or vt100"};
  if (cursor_address == nullptr || clear_screen == nullptr)
    return Error{"TERM=" + term + " cannot be drawn on; for it there is: wc-ctl PATH subscribe"};
  set_escdelay(25);
  if (newterm(nullptr, stdout, stdin) == nullptr)
    return Error{"cannot use the terminal TERM=" + term};
  auto terminal = std::unique_ptr<Terminal>(new Terminal());
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  leaveok(stdscr, FALSE);
  curs_set(0);
  terminal->choose_styles();
  return terminal;
}

Terminal::~Terminal() { leave(); }

void Terminal::choose_styles() {
  auto set = [this](Style style, unsigned attributes) { styles_[size_t(style)] = attributes; };
  set(Style::Title, A_BOLD);
  set(Style::Heading, A_UNDERLINE | A_BOLD);
  set(Style::Selected, A_REVERSE);
  set(Style::Error, A_BOLD);
  set(Style::Dim, A_NORMAL);
  set(Style::Key, A_BOLD);
  const char* no_color = std::getenv("NO_COLOR");
  const bool is_plain = no_color != nullptr && *no_color != '\0';
  if (is_plain || has_colors() == FALSE || start_color() != OK) return;
  use_default_colors();
  enum : short { kRed = 1, kCyan, kYellow };
  init_pair(kRed, COLOR_RED, -1);
  init_pair(kCyan, COLOR_CYAN, -1);
  init_pair(kYellow, COLOR_YELLOW, -1);
  set(Style::Heading, A_BOLD | A_UNDERLINE | static_cast<unsigned>(COLOR_PAIR(kCyan)));
  set(Style::Error, A_BOLD | static_cast<unsigned>(COLOR_PAIR(kRed)));
  set(Style::Key, A_BOLD | static_cast<unsigned>(COLOR_PAIR(kYellow)));
  set(Style::Dim, A_DIM);
}

void Terminal::show(const std::vector<Line>& lines) {
  werase(stdscr);
  int y = 0;
  for (const Line& line : lines) {
    wmove(stdscr, y++, 0);
    for (const Span& span : line) {
      wattrset(stdscr, static_cast<int>(styles_[size_t(span.style)]));
      const std::wstring text = wide(span.text);
      waddnwstr(stdscr, text.data(), static_cast<int>(text.size()));
    }
  }
  wattrset(stdscr, A_NORMAL);
  wrefresh(stdscr);
}

Size Terminal::size() const {
  return {static_cast<size_t>(getmaxx(stdscr)), static_cast<size_t>(getmaxy(stdscr))};
}

void Terminal::adopt_size() {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
    return;
  resizeterm(window.ws_row, window.ws_col);
}

std::optional<Key> Terminal::next_key() {
  for (;;) {
    wint_t code = 0;
    errno = 0;
    const int kind = wget_wch(stdscr, &code);
    if (kind == ERR) {
      if (errno == EIO || errno == ENXIO) is_gone_ = true;
      return std::nullopt;
    }
    if (kind == KEY_CODE_YES) {
      if (const auto name = name_of(code)) return Key{*name, 0};
    } else if (code == kRepaint) {
      repaint();
    } else {
      return key_of(code);
    }
  }
}

void Terminal::leave() {
  if (isendwin() != FALSE) return;
  // A terminal without a second screen keeps what is on it: the next prompt gets an empty line.
  wmove(stdscr, getmaxy(stdscr) - 1, 0);
  wattrset(stdscr, A_NORMAL);
  wclrtoeol(stdscr);
  wrefresh(stdscr);
  endwin();
}

void Terminal::repaint() { clearok(curscr, TRUE); }

}  // namespace wc::top
