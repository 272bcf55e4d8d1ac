// The last lines that a program has written to a terminal, as text: escape sequences are left out,
// carriage returns and backspaces are obeyed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace wc::top {

class OutputLines {
 public:
  static constexpr size_t kMostLines = 2000, kLongestLine = 4096;

  void add(std::string_view bytes);
  // Cleaned; the last one may be incomplete.
  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }
  // That were too old to be kept.
  [[nodiscard]] uint64_t forgotten() const { return forgotten_; }

 private:
  enum class State : uint8_t { Text, Escape, Sequence, String, StringEscape };
  void add_byte(char byte);
  void add_text(char byte);
  void end_line();

  std::deque<std::string> lines_{""};
  std::string raw_;  // of the last line
  bool returned_ = false;
  State state_ = State::Text;
  uint64_t forgotten_ = 0;
};

}  // namespace wc::top
