#include "interpreter/python_text.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "interpreter/remote_block.h"

namespace wc {
namespace {

// PyASCIIObject.state, a bit field.
struct TextState {
  uint32_t bits;
  [[nodiscard]] size_t width() const { return bits >> 2 & 7; }  // bytes of a character
  [[nodiscard]] bool is_compact() const { return (bits >> 5 & 1) != 0; }
  [[nodiscard]] bool is_ascii() const { return (bits >> 6 & 1) != 0; }
};

bool append_utf8(std::string& out, uint32_t character) {
  constexpr uint32_t kEscapedFirst = 0xdc80, kEscapedLast = 0xdcff, kLast = 0x10ffff;
  auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | (character >> shift & 0x3f)); };
  if (character > kLast) return false;
  if (character < 0x80) {
    out += static_cast<char>(character);
  } else if (character >= kEscapedFirst && character <= kEscapedLast) {
    out += static_cast<char>(character & 0xff);
  } else if (character < 0x800) {
    out += static_cast<char>(0xc0 | character >> 6);
    tail(0);
  } else if (character < 0x10000) {
    out += static_cast<char>(0xe0 | character >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xf0 | character >> 18);
    tail(12), tail(6), tail(0);
  }
  return true;
}

}  // namespace

std::optional<std::string> read_python_text(TraceeMemory& memory, const PythonLayout& layout,
                                            uint64_t address) {
  // Most strings are read as a whole with what stands before them.
  const RemoteBlock head = RemoteBlock::read_beginning(memory, address);
  if (head.size() < layout.text.ascii) return std::nullopt;
  const TextState state{head.half(layout.text.state)};
  const size_t width = state.width();
  if (!state.is_compact() || (width != 1 && width != 2 && width != 4)) return std::nullopt;
  if (state.is_ascii() && width != 1) return std::nullopt;
  const uint64_t length = std::min<uint64_t>(head.word(layout.text.length), kMaxPythonText);
  std::array<char, kMaxPythonText * sizeof(uint32_t)> bytes;
  const size_t begin = state.is_ascii() ? layout.text.ascii : layout.text.wide;
  if (!head.copy(begin, bytes.data(), length * width) &&
      !memory.read_all({address + begin}, bytes.data(), length * width))
    return std::nullopt;
  std::string text;
  for (size_t i = 0; i < length; i++) {
    uint32_t character = 0;
    std::memcpy(&character, bytes.data() + i * width, width);
    if (!append_utf8(text, character)) return std::nullopt;
  }
  return text;
}

}  // namespace wc
