// Raw files: what is recorded comes back; files that end anywhere, or in which a byte is another
// one, are read up to there or refused, and never crash the reader.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "recorded_run.h"

namespace wc {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsSupersetOf;

class ReplayTest : public PipelineFixture {
 protected:
  void SetUp() override {
    for (const char* name : {"fopen", "malloc", "free", "read", "printf", "exit"}) add(name);
    open({"json", "raw"});
  }

  // Two chunks of events.
  void record() {
    const uint64_t path = memory_.put_string("/etc/hosts");
    const uint64_t bytes = memory_.put("some bytes of a file");
    pipeline_->started(10, "/bin/program");
    enter("fopen", {path, path});
    make_syscall("openat", {0xffffff9c, path, 0, 0}, 3);
    leave(0x5555);
    pipeline_->journal().tape->hand_out();
    enter("read", {3, bytes, 20});
    make_syscall("read", {3, bytes, 20}, 20);
    leave(20);
    enter("malloc", {1});
    make_syscall("brk", {0}, -12);
    leave(0, WC_RECORD_UNWOUND);
    pipeline_->lost(10, 7);
    pipeline_->exited(10, 10, 0, false);
    wc::close(*pipeline_);
  }
  std::string raw() { return folder_ / "1"; }
  Played play_it(const std::string& path) { return play(path, folder_ / "again"); }
  std::string variant(const std::string& bytes) {
    std::ofstream(folder_ / "variant", std::ios::binary) << bytes;
    return folder_ / "variant";
  }
};

TEST_F(ReplayTest, GivesTheSameLines) {
  record();
  auto live = lines_of_file(folder_ / "0");
  live.erase(live.begin());  // of the run, whose clock the test's replay does not have
  const Played played = play_it(raw());
  EXPECT_TRUE(played.is_whole) << played.said;
  EXPECT_EQ(played.lines, live);
  EXPECT_GT(live.size(), 8U);
}

// A chunk's number of lines depends on nothing behind it.
TEST_F(ReplayTest, FilesThatEndAnywhereAreReadUpToTheirLastWholeChunk) {
  record();
  const std::string bytes = read_file(raw());
  const Played whole = play_it(raw());
  size_t first_chunks = 0;
  for (size_t size = 0; size < bytes.size(); size++) {
    const Played played = play_it(variant(bytes.substr(0, size)));
    EXPECT_FALSE(played.is_whole) << size;
    EXPECT_THAT(played.said, AnyOf(HasSubstr("was not finished"), HasSubstr("ends within a chunk"),
                                   HasSubstr("is empty"), HasSubstr("no raw file"),
                                   HasSubstr("behind its directory")))
        << size;
    ASSERT_LE(played.lines.size(), whole.lines.size());
    ASSERT_GE(played.lines.size(), first_chunks) << "of a longer file fewer lines";
    first_chunks = played.lines.size();
    EXPECT_TRUE(std::equal(played.lines.begin(), played.lines.end(), whole.lines.begin())) << size;
  }
  EXPECT_EQ(first_chunks, whole.lines.size());
}

TEST_F(ReplayTest, AFlippedByteIsNoticed) {
  record();
  const std::string bytes = read_file(raw());
  const Played whole = play_it(raw());
  for (size_t at = 0; at < bytes.size(); at++) {
    std::string other = bytes;
    other[at] = static_cast<char>(~other[at]);
    const Played played = play_it(variant(other));
    // Only the last 16 bytes, where the directory is, are under no sum; nothing depends on them.
    if (at < bytes.size() - 16) {
      EXPECT_FALSE(played.is_whole) << at;
    }
    ASSERT_LE(played.lines.size(), whole.lines.size());
    EXPECT_TRUE(std::equal(played.lines.begin(), played.lines.end(), whole.lines.begin())) << at;
  }
}

// Behind the sums: the entries themselves, as somebody may write them on purpose.
TEST_F(ReplayTest, EntriesThatMakeNoSenseAreAnError) {
  record();
  auto reader = RawReader::open(raw());
  ASSERT_TRUE(reader.ok());
  std::vector<std::string> chunks;
  while (const auto piece = reader->next())
    if (piece->kind == raw::Kind::Events) chunks.emplace_back(piece->bytes);
  ASSERT_EQ(chunks.size(), 2U);
  size_t refused = 0;
  for (const std::string& chunk : chunks)
    for (size_t at = 0; at < chunk.size(); at++)
      for (const unsigned char flip : {0xff, 0x80, 0x01}) {
        std::string other = chunk;
        other[at] = static_cast<char>(other[at] ^ flip);
        TapePlayer player("");
        const auto pipeline = replaying(player, folder_ / "again");
        refused += player.play(other, *pipeline).ok() ? 0 : 1;
        refused += player.play(other.substr(0, at), *pipeline).ok() ? 0 : 1;
      }
  EXPECT_GT(refused, 100U);
}

TEST_F(ReplayTest, UnknownKindsAreSkipped) {
  record();
  std::string bytes = read_file(raw());
  raw::Chunk chunk{raw::kChunkMagic, 77, 0, 0, 3, 3, 0, 0, 0};
  const std::string data = "new";
  chunk.checksum = raw::checksum(data.data(), 3, raw::checksum(&chunk, sizeof chunk));
  bytes.insert(sizeof(raw::Head), data);
  bytes.insert(sizeof(raw::Head), reinterpret_cast<const char*>(&chunk), sizeof chunk);
  const Played played = play_it(variant(bytes));
  EXPECT_EQ(played.lines, play_it(raw()).lines);
  EXPECT_EQ(played.said, "");
}

TEST(Checksum, IsCrc32c) {
  EXPECT_EQ(raw::checksum("123456789", 9),
            0xe3069283U);  // RFC 3720's way of saying "the right one"
  EXPECT_EQ(raw::checksum("6789", 4, raw::checksum("12345", 5)), 0xe3069283U);
  const std::string zeroes(32, '\0');
  EXPECT_EQ(raw::checksum(zeroes.data(), zeroes.size()), 0x8a9136aaU);  // RFC 3720, B.4
}

}  // namespace
}  // namespace wc
