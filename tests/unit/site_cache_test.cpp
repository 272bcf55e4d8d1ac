// The cache of what was found in libraries: it speeds up, and it is never believed.
#include "patch/site_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_folder.h"

namespace wc {
namespace {

FileIdentity a_file() { return {"\x01\xfe\x7f", 4711, 99}; }

SyscallSites some_sites() {
  SyscallSites sites;
  sites.code = {{0x1000, 0x1000, 0x500}};
  sites.sites = {{0x1100, 0x1105, 39, {0xb8, 39, 0, 0, 0}, {}, {0xb8, 39, 0, 0, 0}},
                 {0x1200,
                  0x1207,
                  3,
                  {0xb8, 3, 0, 0, 0, 0x0f, 0x85, 0, 0, 0, 0},
                  {{7, 11, 0x1300}},
                  {0xb8, 3, 0, 0, 0, 0x75, 2}}};
  sites.refused = {{0x1400, SiteRefusal::Entered}};
  return sites;
}

TEST(SiteCacheContent, IsReadAsWritten) {
  auto read = decode_sites(a_file(), encode_sites(a_file(), some_sites()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, some_sites());
}

TEST(SiteCacheContent, IsNothingWhereAnyByteIsMissing) {
  std::string whole = encode_sites(a_file(), some_sites());
  for (size_t size = 0; size < whole.size(); size++)
    EXPECT_FALSE(decode_sites(a_file(), whole.substr(0, size))) << size;
  EXPECT_FALSE(decode_sites(a_file(), whole + '\0'));
}

TEST(SiteCacheContent, IsNothingWhereAnyBitIsWrong) {
  std::string whole = encode_sites(a_file(), some_sites());
  for (size_t bit = 0; bit < whole.size() * 8; bit++) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(decode_sites(a_file(), damaged)) << bit;
  }
}

TEST(SiteCacheContent, IsNothingForAnotherStateOfTheFile) {
  std::string whole = encode_sites(a_file(), some_sites());
  FileIdentity other = a_file();
  other.build_id += 'x';
  EXPECT_FALSE(decode_sites(other, whole));
  other = a_file();
  other.size++;
  EXPECT_FALSE(decode_sites(other, whole));
  other = a_file();
  other.modified_ns++;
  EXPECT_FALSE(decode_sites(other, whole));
}

// What a patcher relies on is checked although the checksum is right.
TEST(SiteCacheContent, IsNothingWhereASiteMakesNoSense) {
  auto is_read = [](auto spoil) {
    SyscallSites sites = some_sites();
    spoil(sites.sites[1]);
    return decode_sites(a_file(), encode_sites(a_file(), sites)).has_value();
  };
  EXPECT_TRUE(is_read([](SyscallSite&) {}));
  EXPECT_FALSE(is_read([](SyscallSite& site) { site.fixups[0].at = 8; }));
  EXPECT_FALSE(is_read([](SyscallSite& site) { site.fixups[0].end = 12; }));
  EXPECT_FALSE(is_read([](SyscallSite& site) { site.moved.resize(kMaxMoved + 1); }));
  EXPECT_FALSE(is_read([](SyscallSite& site) { site.syscall++; }));
  EXPECT_FALSE(is_read([](SyscallSite& site) {
    site.original.resize(4);
    site.syscall = site.start + 4;
  }));
}

class SiteCacheFolder : public testing::Test {
 protected:
  TemporaryFolder parent;
  std::string folder = parent / "wc-intercept";
  std::string file = folder + "/01fe7f.sites";
  SiteCache cache{CacheFolder(folder)};
};

TEST_F(SiteCacheFolder, KeepsWhatWasStored) {
  EXPECT_FALSE(cache.load(a_file()));
  cache.store(a_file(), some_sites());
  auto read = cache.load(a_file());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, some_sites());
  struct stat status {};
  ASSERT_EQ(stat(folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(SiteCacheFolder, ADamagedFileIsWrittenAgain) {
  cache.store(a_file(), some_sites());
  ASSERT_EQ(truncate(file.c_str(), 20), 0);
  EXPECT_FALSE(cache.load(a_file()));
  cache.store(a_file(), some_sites());
  EXPECT_TRUE(cache.load(a_file()));
}

TEST_F(SiteCacheFolder, AFileThatOthersMayWriteToIsNotUsed) {
  cache.store(a_file(), some_sites());
  ASSERT_EQ(chmod(file.c_str(), 0622), 0);
  EXPECT_FALSE(cache.load(a_file()));
  cache.store(a_file(), some_sites());
  EXPECT_TRUE(cache.load(a_file()));
}

TEST_F(SiteCacheFolder, AFolderThatOthersMayWriteToIsNotUsed) {
  cache.store(a_file(), some_sites());
  ASSERT_EQ(chmod(folder.c_str(), 0777), 0);
  EXPECT_FALSE(cache.load(a_file()));
  ASSERT_EQ(unlink(file.c_str()), 0);
  cache.store(a_file(), some_sites());
  EXPECT_NE(access(file.c_str(), F_OK), 0);
}

TEST_F(SiteCacheFolder, LinksAreNotFollowed) {
  cache.store(a_file(), some_sites());
  ASSERT_EQ(rename(file.c_str(), (parent / "elsewhere").c_str()), 0);
  ASSERT_EQ(symlink((parent / "elsewhere").c_str(), file.c_str()), 0);
  EXPECT_FALSE(cache.load(a_file()));
  ASSERT_EQ(unlink(file.c_str()), 0);
  cache.store(a_file(), some_sites());
  ASSERT_EQ(rename(folder.c_str(), (parent / "folder").c_str()), 0);
  ASSERT_EQ(symlink((parent / "folder").c_str(), folder.c_str()), 0);
  EXPECT_FALSE(cache.load(a_file()));
}

TEST_F(SiteCacheFolder, WhatBelongsToAnotherUserIsNotUsed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  cache.store(a_file(), some_sites());
  ASSERT_EQ(chown(file.c_str(), 1, 1), 0);
  EXPECT_FALSE(cache.load(a_file()));
  cache.store(a_file(), some_sites());
  EXPECT_TRUE(cache.load(a_file()));
  ASSERT_EQ(chown(folder.c_str(), 1, 1), 0);
  EXPECT_FALSE(cache.load(a_file()));
}

TEST_F(SiteCacheFolder, DoesNotGrowWithoutEnd) {
  constexpr size_t kMost = 64;
  for (uint8_t i = 0; i < 2 * kMost; i++)
    cache.store({{'a', static_cast<char>(i)}, 1, 1}, some_sites());
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) count++;
  EXPECT_LE(count, kMost);
}

TEST_F(SiteCacheFolder, AFileWithoutBuildIdIsNotKept) {
  cache.store({"", 1, 1}, some_sites());
  EXPECT_FALSE(cache.load({"", 1, 1}));
}

TEST_F(SiteCacheFolder, APipeInItsPlaceDoesNotHangTheTracer) {
  cache.store(a_file(), some_sites());
  ASSERT_EQ(unlink(file.c_str()), 0);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(cache.load(a_file()));
}

}  // namespace
}  // namespace wc
