// ld.so's list: what a look costs, and lists that are none.
#include "objects/link_maps.h"

#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
#include <deque>

namespace wc {
namespace {

// This process's own memory.
class CountedMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress from, void* to, size_t size) override {
    reads++;
    std::memcpy(to, reinterpret_cast<const void*>(from.value), size);
    return size;
  }
  size_t reads = 0;
};

class LinkMapsTest : public testing::Test {
 protected:
  void append(size_t count) {
    for (size_t i = 0; i < count; i++) {
      link_map& fresh = list_.emplace_back();
      fresh.l_addr = list_.size() * 0x1000;
      fresh.l_ld = reinterpret_cast<ElfW(Dyn)*>(fresh.l_addr + 0x100);
      if (list_.size() == 1) continue;
      fresh.l_prev = &list_[list_.size() - 2];
      fresh.l_prev->l_next = &fresh;
    }
  }
  static void take_out(link_map& one) {
    one.l_prev->l_next = one.l_next;
    if (one.l_next != nullptr) one.l_next->l_prev = one.l_prev;
  }
  LinkMapChanges look(ListChange change) {
    memory_.reads = 0;
    return maps_.look(getpid(), memory_, address(list_.front()), change);
  }
  static uint64_t address(const link_map& one) { return reinterpret_cast<uint64_t>(&one); }

  std::deque<link_map> list_;  // entries stay where they are
  CountedMemory memory_;
  LinkMaps maps_;
};

TEST_F(LinkMapsTest, WhatIsAppendedCostsTheSameWithFewAndWithMany) {
  for (size_t more : {10u, 2000u}) {
    append(more);
    EXPECT_EQ(look(ListChange::Any).fresh.size(), more);
    append(1);
    const LinkMapChanges changes = look(ListChange::OnlyLoaded);
    ASSERT_EQ(changes.fresh.size(), 1u);
    EXPECT_EQ(changes.fresh[0].at, address(list_.back()));
    EXPECT_TRUE(changes.gone.empty());
    EXPECT_EQ(memory_.reads, 2u) << "the former end, the new one";
  }
}

TEST_F(LinkMapsTest, WhatIsTakenOutIsSeenInOneReading) {
  append(2000);
  look(ListChange::Any);
  for (size_t gone : {1u, 2u, 700u, 1998u}) {
    take_out(list_[gone]);
    const LinkMapChanges changes = look(ListChange::Any);
    ASSERT_EQ(changes.gone.size(), 1u);
    EXPECT_EQ(changes.gone[0].at, address(list_[gone]));
    EXPECT_TRUE(changes.fresh.empty());
    EXPECT_EQ(memory_.reads, 0u) << "the known ones are read together";
  }
  EXPECT_EQ(maps_.known().size(), 1996u);
}

TEST_F(LinkMapsTest, TheEndIsTakenOutAndAnotherAppended) {
  append(5);
  look(ListChange::Any);
  take_out(list_[4]);
  take_out(list_[2]);
  append(1);
  list_[3].l_next = &list_[5];
  const LinkMapChanges changes = look(ListChange::Any);
  ASSERT_EQ(changes.gone.size(), 2u);
  EXPECT_EQ(changes.gone[0].at, address(list_[2]));
  ASSERT_EQ(changes.fresh.size(), 1u);
  EXPECT_EQ(changes.fresh[0].at, address(list_[5]));
}

TEST_F(LinkMapsTest, AnotherObjectInTheSameEntry) {
  append(3);
  look(ListChange::Any);
  list_[1].l_addr += 0x10'0000;
  const LinkMapChanges changes = look(ListChange::Any);
  EXPECT_EQ(changes.gone.size(), 1u);
  EXPECT_EQ(changes.fresh.size(), 1u);
  list_[2].l_addr += 0x10'0000;
  EXPECT_EQ(look(ListChange::OnlyLoaded).fresh.size(), 1u) << "the end is another: all is compared";
}

TEST_F(LinkMapsTest, AListThatBitesItsTailEnds) {
  append(3);
  list_[2].l_next = &list_[1];
  EXPECT_EQ(look(ListChange::Any).fresh.size(), 3u);
  look(ListChange::Any);
  EXPECT_LE(maps_.known().size(), 6u);
  look(ListChange::OnlyLoaded);
  EXPECT_LE(maps_.known().size(), 9u);
}

}  // namespace
}  // namespace wc
