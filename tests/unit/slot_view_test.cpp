// One thread's slot as the tracer reads it: its open scopes, and its syscalls that are not recorded
// yet. Whatever the traced process writes there, all counts stay within their bounds.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "share_fixture.h"

namespace wc {
namespace {

using SlotViewTest = ShareTest;

// ---- scopes

TEST_F(SlotViewTest, ScopesAreCopiedOutermostFirst) {
  wc_slot& slot = share_->slot(3);
  for (uint32_t i = 0; i < 3; i++) slot.scopes[i] = {i + 1, 100 - i, 0, 0, {}, i, WC_SCOPE_OPEN};
  slot.depth = 3;
  auto scopes = share_->scopes(3);
  ASSERT_EQ(scopes.size(), 3u);
  for (uint32_t i = 0; i < 3; i++) EXPECT_EQ(scopes[i].function, i);
  slot.scopes[0].function = 2;
  EXPECT_EQ(scopes[0].function, 0u) << "a copy: the process can no longer change it";
}

TEST_F(SlotViewTest, HostileDepthIsBoundedByTheScopeStack) {
  for (uint32_t depth : {WC_MAX_SCOPES, WC_MAX_SCOPES + 1, 0x80000000u, 0xffffffffu}) {
    share_->slot(0).depth = depth;
    for (wc_scope& scope : share_->slot(0).scopes) scope.flags = WC_SCOPE_OPEN;
    EXPECT_EQ(share_->scopes(0).size(), WC_MAX_SCOPES) << depth;
  }
}

TEST_F(SlotViewTest, ImpossibleFunctionIndexEndsTheList) {
  for (uint32_t wrong : {kFunctions, 0x7fffffffu, 0xffffffffu}) {
    for (uint32_t at : {0u, 1u, WC_MAX_SCOPES - 1}) {
      make(0);
      share_->slot(0).depth = 0xffffffff;
      for (wc_scope& scope : share_->slot(0).scopes) scope.flags = WC_SCOPE_OPEN;
      share_->slot(0).scopes[at].function = wrong;
      EXPECT_EQ(share_->scopes(0).size(), at) << wrong;
    }
  }
}

TEST_F(SlotViewTest, WhatSetDepthPopsIsNeitherOpenNorReportedWhenDepthIsRaisedAgain) {
  wc_slot& slot = share_->slot(3);
  for (uint32_t i = 0; i < WC_MAX_SCOPES; i++)
    slot.scopes[i] = {i + 1, 100 - i, 0, 0, {}, 0, WC_SCOPE_OPEN | WC_SCOPE_REPORTED};
  share_->view(3).set_depth(1);
  slot.depth = WC_MAX_SCOPES;  // as a thread does before it fills them in
  ASSERT_EQ(share_->scopes(3).size(), 1u);
  EXPECT_EQ(share_->scopes(3)[0].seq, 1u);
  share_->view(3).set_depth(0xffffffff);
  EXPECT_EQ(slot.scopes[0].flags, WC_SCOPE_OPEN | WC_SCOPE_REPORTED) << "none is popped";
}

TEST_F(SlotViewTest, ScopesThatAreFilledInOrLeftAreNoneUnlessReported) {
  wc_slot& slot = share_->slot(3);
  const uint32_t flags[] = {WC_SCOPE_OPEN, 0, WC_SCOPE_THIN, WC_SCOPE_REPORTED,
                            WC_SCOPE_OPEN | WC_SCOPE_REPORTED};
  for (uint32_t i = 0; i < 5; i++) slot.scopes[i] = {i + 1, 100 - i, 0, 0, {}, 0, flags[i]};
  slot.depth = 5;
  std::vector<uint64_t> seqs;
  for (const wc_scope& scope : share_->scopes(3)) seqs.push_back(scope.seq);
  EXPECT_EQ(seqs, (std::vector<uint64_t>{1, 4, 5}));
  ASSERT_EQ(share_->scopes(3, 4).size(), 1u);
  EXPECT_EQ(share_->scopes(3, 4)[0].seq, 5u);
  EXPECT_TRUE(share_->scopes(3, 5).empty());
  EXPECT_TRUE(share_->scopes(3, 0xffffffff).empty());
}

TEST_F(SlotViewTest, MarkReportedSetsTheFlagAndNothingBehindTheStack) {
  wc_slot& slot = share_->slot(0);
  for (uint32_t i = 0; i < 8; i++) slot.scopes[i].seq = 100 + i;
  slot.depth = 6;
  share_->view(0).mark_reported(105);
  EXPECT_EQ(slot.scopes[5].flags, uint32_t{WC_SCOPE_REPORTED});
  share_->view(0).mark_reported(106);
  EXPECT_EQ(slot.scopes[6].flags, 0u) << "it is not open";
  slot.depth = 0xffffffff;
  share_->view(0).mark_reported(9);
  EXPECT_EQ(wc_slot_ring(&slot)[0].seq | wc_slot_ring(&slot)[1].seq | wc_slot_ring(&slot)[2].type,
            0u);
}

// ---- syscalls that are not recorded yet

TEST_F(SlotViewTest, PendingSyscallsComeInnermostFirstAndOnce) {
  wc_slot& slot = share_->slot(0);
  EXPECT_FALSE(share_->view(0).pending());
  EXPECT_TRUE(share_->view(0).take_all_pending().empty());
  for (uint64_t i = 0; i < 3; i++) slot.pending[i] = {.seq = i + 1, .end = i == 2 ? 9u : 0u};
  slot.pending_depth = 3;
  EXPECT_EQ(share_->view(0).pending()->seq, 3u);
  EXPECT_EQ(share_->view(0).take_pending(SlotView::Pending::Returned)->seq, 3u);
  EXPECT_EQ(slot.pending[2].end, 0u);
  EXPECT_FALSE(share_->view(0).take_pending(SlotView::Pending::Returned)) << "that one waits still";
  auto rest = share_->view(0).take_all_pending();
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].seq, 2u);
  EXPECT_EQ(rest[1].seq, 1u);
  EXPECT_EQ(slot.pending_depth, 0u);
}

TEST_F(SlotViewTest, HostileDepthsOfPendingSyscallsAreBounded) {
  wc_slot& slot = share_->slot(0);
  for (uint64_t i = 0; i < WC_PENDING; i++) slot.pending[i].seq = i;
  for (uint32_t depth : {WC_PENDING, WC_PENDING + 1, 0x80000000u, 0xffffffffu}) {
    slot.pending_depth = depth;
    auto all = share_->view(0).take_all_pending();
    ASSERT_EQ(all.size(), WC_PENDING) << depth;
    EXPECT_EQ(all[0].seq, (depth - 1) % WC_PENDING);
    EXPECT_EQ(slot.pending_depth, 0u);
  }
}

// Another thread of the process puts back what the tracer takes, as fast as it can.
TEST_F(SlotViewTest, PendingSyscallsEndWhereTheProcessWritesTheirCount) {
  wc_slot& slot = share_->slot(0);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      for (uint32_t depth : {16u, 0u, 0xffffffffu, 1u})
        __atomic_store_n(&slot.pending_depth, depth, __ATOMIC_RELAXED);
      slot.pending[0].end ^= 1;
    }
  });
  for (int i = 0; i < 20'000; i++) {
    EXPECT_LE(share_->view(0).take_all_pending().size(), WC_PENDING);
    auto one = share_->view(0).take_pending(SlotView::Pending::Returned);
    EXPECT_TRUE(!one || one->end != 0);
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace wc
