// Any packet is a message that can be read to its last field, or an error. Two passes: the bytes as
// they are, and the bytes as changes to a message that was right.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "protocol/wire.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// On the heap and of the exact size, so that a sanitizer sees a read beyond the packet.
void parse(const uint8_t* data, size_t size) {
  std::unique_ptr<uint64_t[]> words(new uint64_t[size / 8 + 1]);
  auto* packet = reinterpret_cast<uint8_t*>(words.get()) + (size / 8 + 1) * 8 - size;
  // wc_parse wants its bytes aligned to 8: packets of odd sizes leave a gap behind them.
  if (reinterpret_cast<uintptr_t>(packet) % 8 != 0)
    packet = reinterpret_cast<uint8_t*>(words.get());
  std::copy_n(data, size, packet);
  const wc_message* message = nullptr;
  const wc_parse_result result = wc_parse(packet, size, &message);
  require((result == WC_PARSE_OK) == (message != nullptr));
  if (message == nullptr) return;
  require(static_cast<const void*>(message) == packet);
  require(message->magic == WC_WIRE_MAGIC && message->size == size);
  const uint32_t expected = wc_message_size(message->type);
  require(expected >= sizeof(wc_message) && size >= expected);
  require(message->version >= WC_PROTOCOL_OLDEST);
  const bool is_newer_hello = message->type == WC_HELLO && message->version > WC_PROTOCOL_VERSION;
  require(message->version <= WC_PROTOCOL_VERSION || is_newer_hello);
  require(size == expected || is_newer_hello);
  if (message->type == WC_HELLO) {
    wc_hello hello{};
    std::memcpy(&hello, message, sizeof hello);
    require(hello.oldest_version <= WC_PROTOCOL_VERSION);
  }
}

// First byte: the type; second: how many changes; then three bytes a change: where, how, with what.
void parse_changed(const uint8_t* data, size_t size) {
  if (size < 2) return;
  alignas(8) uint8_t bytes[2 * WC_MAX_MESSAGE] = {};
  const auto type = static_cast<uint16_t>(WC_HELLO + data[0] % WC_CONTROL);
  const wc_message head = wc_message_head(type);
  std::memcpy(bytes, &head, sizeof head);
  size_t length = head.size;
  parse(bytes, length);
  size_t changes = data[1] % 8u;
  for (size_t i = 2; i + 2 < size && changes > 0; i += 3, changes--) {
    const uint8_t value = data[i + 2];
    switch (data[i + 1] % 5) {
      case 0:
        bytes[data[i]] = value;
        break;
      case 1:
        bytes[data[i] % sizeof(wc_message)] ^= static_cast<uint8_t>(1u << value % 8);
        break;
      case 2:
        length = data[i] + value;
        break;
      case 3: {  // appended or cut, and the size field says so
        length = std::min<size_t>(data[i] + value, sizeof bytes);
        const auto field = static_cast<uint32_t>(length);
        std::memcpy(bytes + offsetof(wc_message, size), &field, sizeof field);
        break;
      }
      default: {  // another release's
        const auto version = static_cast<uint16_t>(value % 4);
        std::memcpy(bytes + offsetof(wc_message, version), &version, sizeof version);
      }
    }
    parse(bytes, std::min(length, sizeof bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parse(data, std::min<size_t>(size, 65536));
  parse_changed(data, size);
  return 0;
}
