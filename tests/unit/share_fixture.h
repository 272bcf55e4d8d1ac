// A process's shared memory as the tracer sees it, with slots that the test fills in.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "rings/process_share.h"

namespace wc {

constexpr uint32_t kFunctions = 3;
constexpr uint32_t kLast = 15;  // of the slots that a process maps at first

class ShareTest : public testing::Test {
 protected:
  void make(uint32_t config) {
    auto made = ProcessShare::create({WC_GATE_DISPATCH, config, kFunctions});
    ASSERT_TRUE(made.ok()) << made.error().message;
    share_ = std::move(*made);
  }
  void SetUp() override { make(0); }

  // As the shim appends (preload_lib/ring.c), without its test for room.
  static void append(wc_slot& slot, uint64_t seq) {
    wc_slot_ring(&slot)[slot.head % WC_RING_RECORDS] = {seq, seq + 1, seq + 2, WC_RECORD_RETURN, 0};
    __atomic_store_n(&slot.head, slot.head + 1, __ATOMIC_RELEASE);
  }
  wc_counter& counter(uint32_t slot, uint32_t function) {
    return reinterpret_cast<wc_counter*>(wc_slot_ring(&share_->slot(slot)) +
                                         WC_RING_RECORDS)[function];
  }

  std::unique_ptr<ProcessShare> share_;
};

}  // namespace wc
