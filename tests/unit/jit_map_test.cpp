// /tmp/perf-PID.map: what a program says of the code that it has made.
#include "symbols/jit_map.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <string>

namespace wc {
namespace {

std::string name_at(const JitMap& map, uint64_t address) {
  const JitName* found = map.find(address);
  return found == nullptr ? "" : found->name;
}

TEST(JitMap, NamesByAddress) {
  JitMap map;
  map.add("1000 20 first\n1020 10 JS:*second /a b.js:1:2\n0x2000 0x8 third\n");
  EXPECT_EQ(name_at(map, 0xfff), "");
  EXPECT_EQ(name_at(map, 0x1000), "first");
  EXPECT_EQ(name_at(map, 0x101f), "first");
  EXPECT_EQ(name_at(map, 0x1020), "JS:*second /a b.js:1:2");
  EXPECT_EQ(name_at(map, 0x1030), "");
  EXPECT_EQ(name_at(map, 0x2007), "third");
}

TEST(JitMap, WhatIsMadeLaterTakesThePlace) {
  JitMap map;
  map.add("1000 100 old\n1100 100 kept\n");
  map.add("1080 40 new\n");
  EXPECT_EQ(name_at(map, 0x1090), "new");
  EXPECT_EQ(name_at(map, 0x1010), "") << "the old one is gone as a whole";
  EXPECT_EQ(name_at(map, 0x1100), "kept");
}

TEST(JitMap, LinesComeInParts) {
  JitMap map;
  for (char c : std::string("1000 20 in parts\n2000 10 half")) map.add({&c, 1});
  EXPECT_EQ(name_at(map, 0x1000), "in parts");
  EXPECT_EQ(name_at(map, 0x2000), "");
  map.add(" of it\n");
  EXPECT_EQ(name_at(map, 0x2000), "half of it");
}

TEST(JitMap, OddLinesAreLeftOut) {
  JitMap map;
  map.add(
      "\n \nx y z\n1000\n1000 \n1000 0 empty\nffffffffffffffff ffff wraps\n-1 5 minus\n1000 5 \n");
  map.add(std::string(100'000, 'a') + "\n3000 5 behind a long line\n");
  EXPECT_EQ(name_at(map, 0x1000), "");
  EXPECT_EQ(name_at(map, 0xffffffffffffffff), "");
  EXPECT_EQ(name_at(map, 0x3000), "behind a long line");
}

TEST(JitMap, AnyBytes) {
  std::minstd_rand random(7);
  const std::string bytes = "0123456789abcdefx \n\n \t\xff-";
  for (int turn = 0; turn < 200; turn++) {
    JitMap map;
    for (int i = 0; i < 2000; i++) map.add({&bytes[random() % bytes.size()], 1});
    for (uint64_t i = 0; i < 4096; i += 7) {
      const JitName* one = map.find(i);
      EXPECT_TRUE(one == nullptr || one->begin <= i);
    }
  }
}

TEST(JitMap, FileOfTheProcess) {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  JitMap map;
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(write(file, "1000 20 early\n", 14), 14);
  ASSERT_NE(map.find(getpid(), 0x1000), nullptr);
  EXPECT_EQ(map.find(getpid(), 0x1000)->name, "early");
  ASSERT_EQ(write(file, "1000 20 later\n", 14), 14);
  EXPECT_EQ(map.find(getpid(), 0x1000)->name, "later");
  close(file);
  unlink(path.c_str());
  ASSERT_EQ(symlink("/proc/self/maps", path.c_str()), 0);
  JitMap other;
  EXPECT_EQ(other.find(getpid(), 0x1000), nullptr);
  unlink(path.c_str());
}

}  // namespace
}  // namespace wc
