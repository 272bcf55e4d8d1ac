#include "top/output_lines.h"

#include "top/text.h"

namespace wc::top {

void OutputLines::add(std::string_view bytes) {
  for (const char byte : bytes) add_byte(byte);
  lines_.back() = clean(raw_);
}

void OutputLines::add_byte(char byte) {
  constexpr char kEscape = '\x1b', kBell = '\a';
  switch (state_) {
    case State::Text:
      if (byte == kEscape)
        state_ = State::Escape;
      else
        add_text(byte);
      return;
    case State::Escape:
      if (byte == '[')
        state_ = State::Sequence;
      else if (std::string_view("]P_^X").find(byte) != std::string_view::npos)
        state_ = State::String;
      else if (byte < ' ' || byte > '/')  // those of three bytes have one of these in the middle
        state_ = State::Text;
      return;
    case State::Sequence:
      if (byte >= '@' && byte <= '~') state_ = State::Text;
      if (byte == '\n') state_ = State::Text, add_text(byte);
      return;
    case State::String:
      if (byte == kBell) state_ = State::Text;
      if (byte == kEscape) state_ = State::StringEscape;
      // One that never ends must not swallow everything that comes.
      if (byte == '\n') state_ = State::Text, add_text(byte);
      return;
    case State::StringEscape:
      state_ = byte == '\\' ? State::Text : State::String;
      return;
  }
}

void OutputLines::add_text(char byte) {
  if (byte == '\n') return end_line();
  if (byte == '\r') {
    returned_ = true;
    return;
  }
  if (std::exchange(returned_, false)) raw_.clear();
  if (byte == '\b') {
    while (!raw_.empty() && (static_cast<unsigned char>(raw_.back()) & 0xc0U) == 0x80)
      raw_.pop_back();
    if (!raw_.empty()) raw_.pop_back();
  } else if (byte == '\t') {
    raw_.append(8 - raw_.size() % 8, ' ');
  } else if (byte != '\a' && raw_.size() < kLongestLine) {
    raw_ += byte;
  }
}

void OutputLines::end_line() {
  lines_.back() = clean(raw_);
  lines_.emplace_back();
  raw_.clear();
  returned_ = false;
  if (lines_.size() <= kMostLines) return;
  lines_.pop_front();
  forgotten_++;
}

}  // namespace wc::top
