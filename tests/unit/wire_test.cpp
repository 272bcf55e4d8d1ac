// wc_parse: the only way to look at received bytes lets nothing through that is not exactly a
// message.
#include "protocol/wire.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace {

constexpr uint16_t kTypes[] = {WC_HELLO, WC_WELCOME, WC_REFUSE,   WC_SCOPE_BEGIN, WC_SCOPE_END,
                               WC_LOOK,  WC_ATTACH,  WC_ATTACHED, WC_CONTROL};

// A received packet; the fields that a test wants wrong are changed in place.
class Packet {
 public:
  explicit Packet(uint16_t type) : size_(wc_message_size(type)) {
    wc_message head = wc_message_head(type);
    std::memcpy(bytes_.data(), &head, sizeof head);
    if (type == WC_HELLO) hello().oldest_version = WC_PROTOCOL_OLDEST;
  }

  wc_message& head() { return *reinterpret_cast<wc_message*>(bytes_.data()); }
  wc_hello& hello() { return *reinterpret_cast<wc_hello*>(bytes_.data()); }
  unsigned char& operator[](size_t i) { return bytes_[i]; }
  [[nodiscard]] size_t size() const { return size_; }
  // What arrives; the size field stays.
  Packet& cut(size_t size) {
    size_ = size;
    return *this;
  }
  // What arrives, and what the size field says.
  Packet& resize(size_t size) {
    head().size = static_cast<uint32_t>(size);
    return cut(size);
  }

  wc_parse_result parse() {
    const wc_message* message = reinterpret_cast<const wc_message*>(this);
    wc_parse_result result = wc_parse(bytes_.data(), size_, &message);
    const void* expected = result == WC_PARSE_OK ? bytes_.data() : nullptr;
    EXPECT_EQ(message, expected) << "a refused packet must not be handed out";
    return result;
  }

 private:
  alignas(8) std::array<unsigned char, 2 * WC_MAX_MESSAGE> bytes_{};
  size_t size_;
};

class EveryType : public testing::TestWithParam<uint16_t> {};

TEST_P(EveryType, IsAcceptedAsMade) { EXPECT_EQ(Packet(GetParam()).parse(), WC_PARSE_OK); }

TEST_P(EveryType, FitsTheReceiversBuffer) {
  EXPECT_LE(wc_message_size(GetParam()), WC_MAX_MESSAGE);
  EXPECT_GE(wc_message_size(GetParam()), sizeof(wc_message));
}

TEST_P(EveryType, CutByAnyNumberOfBytesIsRefused) {
  for (size_t size = 0; size < wc_message_size(GetParam()); size++)
    EXPECT_EQ(Packet(GetParam()).cut(size).parse(),
              size < sizeof(wc_message) ? WC_PARSE_SHORT : WC_PARSE_SIZE)
        << size;
}

TEST_P(EveryType, ShorterThanItsTypeIsRefusedThoughItsSizeFieldAgrees) {
  for (size_t size = 0; size < wc_message_size(GetParam()); size++)
    EXPECT_EQ(Packet(GetParam()).resize(size).parse(), WC_PARSE_SHORT) << size;
}

TEST_P(EveryType, LongerThanItsTypeIsRefused) {
  for (size_t size = wc_message_size(GetParam()) + 1u; size <= WC_MAX_MESSAGE; size++) {
    EXPECT_EQ(Packet(GetParam()).resize(size).parse(), WC_PARSE_SIZE) << size;
    EXPECT_EQ(Packet(GetParam()).cut(size).parse(), WC_PARSE_SIZE) << size;
  }
}

TEST_P(EveryType, WrongSizeFieldIsRefused) {
  for (uint32_t wrong : {0u, 1u, 15u, 16u, 255u, 256u, 0x7fffffffu, 0xffffffffu}) {
    if (wrong == wc_message_size(GetParam())) continue;
    Packet packet(GetParam());
    packet.head().size = wrong;
    EXPECT_EQ(packet.parse(), WC_PARSE_SIZE) << wrong;
  }
}

TEST_P(EveryType, EachWrongBitOfTheMagicIsRefused) {
  for (int bit = 0; bit < 32; bit++) {
    Packet packet(GetParam());
    packet.head().magic ^= 1u << bit;
    EXPECT_EQ(packet.parse(), WC_PARSE_MAGIC) << bit;
  }
}

TEST_P(EveryType, VersionBelowTheOldestIsRefused) {
  for (uint32_t version = 0; version < WC_PROTOCOL_OLDEST; version++) {
    Packet packet(GetParam());
    packet.head().version = static_cast<uint16_t>(version);
    EXPECT_EQ(packet.parse(), WC_PARSE_VERSION) << version;
  }
}

TEST_P(EveryType, NewerVersionIsRefusedButForHello) {
  for (uint32_t version = WC_PROTOCOL_VERSION + 1; version <= 0xffff; version++) {
    Packet packet(GetParam());
    packet.head().version = static_cast<uint16_t>(version);
    ASSERT_EQ(packet.parse(), GetParam() == WC_HELLO ? WC_PARSE_OK : WC_PARSE_VERSION) << version;
  }
}

INSTANTIATE_TEST_SUITE_P(Wire, EveryType, testing::ValuesIn(kTypes));

TEST(WireTest, UnknownTypesAreRefused) {
  for (uint32_t type = 0; type <= 0xffff; type++) {
    if (type >= WC_HELLO && type <= WC_CONTROL) continue;
    Packet packet(WC_ATTACHED);
    packet.head().type = static_cast<uint16_t>(type);
    ASSERT_EQ(packet.parse(), WC_PARSE_TYPE) << type;
  }
}

TEST(WireTest, HelloOfANewerReleaseThatStillSpeaksOursMayHaveMoreFields) {
  for (size_t more = 0; more <= WC_MAX_MESSAGE - sizeof(wc_hello); more += 4) {
    Packet packet(WC_HELLO);
    packet.head().version = WC_PROTOCOL_VERSION + 1;
    packet.hello().oldest_version = WC_PROTOCOL_VERSION;
    EXPECT_EQ(packet.resize(sizeof(wc_hello) + more).parse(), WC_PARSE_OK) << more;
  }
}

TEST(WireTest, HelloOfANewerReleaseMustStillHaveOurFields) {
  Packet packet(WC_HELLO);
  packet.head().version = WC_PROTOCOL_VERSION + 1;
  EXPECT_EQ(packet.resize(sizeof(wc_hello) - 8).parse(), WC_PARSE_SHORT);
}

TEST(WireTest, AppendedFieldsWithoutSayingSoAreRefused) {
  Packet packet(WC_HELLO);
  packet.head().version = WC_PROTOCOL_VERSION + 1;
  EXPECT_EQ(packet.cut(sizeof(wc_hello) + 8).parse(), WC_PARSE_SIZE);
}

TEST(WireTest, HelloThatNoLongerSpeaksOursIsRefused) {
  for (uint32_t oldest : {WC_PROTOCOL_VERSION + 1, 0x10000u, 0xffffffffu}) {
    for (uint32_t newest : {WC_PROTOCOL_VERSION, WC_PROTOCOL_VERSION + 1, 0xffffu}) {
      Packet packet(WC_HELLO);
      packet.head().version = static_cast<uint16_t>(newest);
      packet.hello().oldest_version = oldest;
      EXPECT_EQ(packet.parse(), WC_PARSE_VERSION) << oldest << " " << newest;
    }
  }
}

// The order of checks tells a peer of another release apart from garbage.
TEST(WireTest, GarbageIsNoVersionMismatch) {
  Packet packet(WC_HELLO);
  packet.head().version = 0;
  packet.head().type = 99;
  EXPECT_EQ(packet.parse(), WC_PARSE_TYPE);
  packet.head().magic = 0;
  EXPECT_EQ(packet.parse(), WC_PARSE_MAGIC);
  packet.cut(3);
  EXPECT_EQ(packet.parse(), WC_PARSE_SHORT);
}

TEST(WireTest, FieldsStandWhereOtherReleasesExpectThem) {
  EXPECT_EQ(offsetof(wc_message, magic), 0u);
  EXPECT_EQ(offsetof(wc_message, version), 4u);
  EXPECT_EQ(offsetof(wc_message, type), 6u);
  EXPECT_EQ(offsetof(wc_message, size), 8u);
  EXPECT_EQ(offsetof(wc_hello, oldest_version), 16u);
  EXPECT_EQ(offsetof(wc_hello, flags), 20u);
  EXPECT_EQ(offsetof(wc_hello, bell), 48u);
  EXPECT_EQ(offsetof(wc_scope_message, bell), 20u);
}

}  // namespace
