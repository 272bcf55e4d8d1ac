#include "interpreter/line_numbers.h"

#include <climits>

namespace wc {
namespace {

constexpr uint8_t kEntry = 0x80;  // the first byte of an entry has it, and no other

// Codes of an entry that say something about its line.
constexpr unsigned kOneLineFirst = 10, kOneLineLast = 12, kNoColumns = 13, kLong = 14, kNone = 15;

// Six bits a byte, least significant first; one more says that there is another byte.
uint32_t varint(std::span<const uint8_t> bytes) {
  constexpr unsigned kBits = 6;
  uint32_t value = 0;
  for (unsigned i = 0, shift = 0; i < bytes.size() && shift < 32; i++, shift += kBits) {
    value |= (uint32_t{bytes[i]} & 0x3f) << shift;
    if ((bytes[i] & 0x40) == 0) break;
  }
  return value;
}

// The sign is the lowest bit.
int64_t signed_varint(std::span<const uint8_t> bytes) {
  const uint32_t value = varint(bytes);
  return (value & 1) != 0 ? -int64_t{value >> 1} : int64_t{value >> 1};
}

int64_t line_delta(unsigned code, std::span<const uint8_t> rest) {
  if (code >= kOneLineFirst && code <= kOneLineLast) return code - kOneLineFirst;
  return code == kNoColumns || code == kLong ? signed_varint(rest) : 0;
}

}  // namespace

uint32_t python_line(std::span<const uint8_t> table, uint32_t first_line, int64_t instruction) {
  if (instruction < 0) return first_line;
  int64_t line = first_line, end = 0;
  while (!table.empty()) {
    if ((table[0] & kEntry) == 0) return 0;
    const unsigned code = table[0] >> 3 & 0xf;
    end += (table[0] & 7) + 1;
    table = table.subspan(1);
    line += line_delta(code, table);
    if (instruction < end)
      return code == kNone || line < 0 || line > INT_MAX ? 0 : static_cast<uint32_t>(line);
    while (!table.empty() && (table[0] & kEntry) == 0) table = table.subspan(1);
  }
  return 0;
}

}  // namespace wc
