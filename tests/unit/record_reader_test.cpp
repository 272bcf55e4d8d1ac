// Records that a hostile program has written: whatever is in the ring, reading it ends and stays
// inside.
#include "rings/record_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace wc {
namespace {

struct NoMemory final : TraceeMemory {
  size_t read(RemoteAddress, void*, size_t) override { return 0; }
};

constexpr uint64_t kAddress = 0x7000;
constexpr uint32_t kPlaces = 4;  // head, body (two places), one captured piece and its bytes

// A syscall with one piece of 8 bytes.
std::vector<wc_record> one_syscall() {
  std::vector<wc_record> places(kPlaces);
  places[0].type = WC_RECORD_SYSCALL | kPlaces << 16;
  wc_record_body body{};
  body.captures = 1;
  std::memcpy(&places[1], &body, sizeof body);
  wc_captured captured{kAddress, 8, 8};
  std::memcpy(&places[3], &captured, sizeof captured);
  std::memcpy(reinterpret_cast<char*>(&places[3]) + sizeof captured, "contents", 8);
  return places;
}

void set_captured(std::vector<wc_record>& places, uint32_t size, uint32_t room) {
  wc_captured captured{kAddress, size, room};
  std::memcpy(&places[3], &captured, sizeof captured);
}

std::string read_back(const std::vector<wc_record>& places) {
  RecordReader reader(places);
  RecordView view;
  if (!reader.next(view)) return "none";
  NoMemory live;
  CapturedMemory memory(view, live);
  char bytes[16];
  return {bytes, memory.read({kAddress}, bytes, sizeof bytes)};
}

TEST(RecordReader, ReadsASyscallWithItsMemory) { EXPECT_EQ(read_back(one_syscall()), "contents"); }

TEST(RecordReader, PassesOverWhatIsSkipped) {
  std::vector<wc_record> places(3);
  places[0].type = WC_RECORD_SKIP | 2u << 16;
  places[2].type = WC_RECORD_RETURN;
  places[2].seq = 5;
  RecordReader reader(places);
  RecordView view;
  ASSERT_TRUE(reader.next(view));
  EXPECT_EQ(view.head.seq, 5u);
  EXPECT_FALSE(reader.next(view));
  EXPECT_FALSE(reader.corrupt());
}

TEST(RecordReader, RefusesATruncatedRecord) {
  auto places = one_syscall();
  places.resize(2);
  RecordReader reader(places);
  RecordView view;
  EXPECT_FALSE(reader.next(view));
  EXPECT_TRUE(reader.corrupt());
}

TEST(RecordReader, RefusesABodyThatHasNoRoom) {
  std::vector<wc_record> places(2);
  places[0].type = WC_RECORD_CALL | 2u << 16;
  RecordReader reader(places);
  RecordView view;
  EXPECT_FALSE(reader.next(view));
  EXPECT_TRUE(reader.corrupt());
}

TEST(RecordReader, RefusesUnknownTypes) {
  for (uint32_t type : {0u, 6u, 255u}) {
    std::vector<wc_record> places(1);
    places[0].type = type;
    RecordReader reader(places);
    RecordView view;
    EXPECT_FALSE(reader.next(view)) << type;
    EXPECT_TRUE(reader.corrupt()) << type;
  }
}

TEST(CapturedMemory, LeavesOutPiecesThatDoNotFit) {
  auto places = one_syscall();
  set_captured(places, 8, 0xffffffff);
  EXPECT_EQ(read_back(places), "");
  set_captured(places, 9, 8);
  EXPECT_EQ(read_back(places), "");
  set_captured(places, 3, 8);
  EXPECT_EQ(read_back(places), "con");
}

TEST(CapturedMemory, CountsNoMorePiecesThanThereAre) {
  auto places = one_syscall();
  wc_record_body body{};
  body.captures = 0xffffffff;
  std::memcpy(&places[1], &body, sizeof body);
  EXPECT_EQ(read_back(places), "contents");
}

TEST(RecordReader, EndsOnRandomBytes) {
  std::mt19937 random(7);
  NoMemory live;
  for (int round = 0; round < 20000; round++) {
    std::vector<wc_record> places(random() % 12);
    auto* bytes = reinterpret_cast<unsigned char*>(places.data());
    std::generate_n(bytes, places.size() * sizeof(wc_record),
                    [&] { return static_cast<unsigned char>(random()); });
    // Half of the heads nearly right, so that bodies are reached.
    for (wc_record& place : places)
      if (random() % 2 != 0) place.type = (random() % 0x400) | (random() % 5) << 16;
    RecordReader reader(places);
    RecordView view;
    size_t found = 0;
    while (reader.next(view)) {
      ASSERT_LE(++found, places.size());
      CapturedMemory memory(view, live);
      char out[64];
      ASSERT_LE(memory.read({random()}, out, sizeof out), sizeof out);
    }
  }
}

}  // namespace
}  // namespace wc
