#include "rings/slot_view.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>

namespace wc {

void SlotView::mark_reported(uint64_t seq) {
  const uint32_t depth = std::min(__atomic_load_n(&slot_.depth, __ATOMIC_ACQUIRE), WC_MAX_SCOPES);
  for (wc_scope& scope : std::span(slot_.scopes, depth))
    if (scope.seq == seq) scope.flags |= WC_SCOPE_REPORTED;
}

void SlotView::set_depth(uint32_t depth) {
  for (wc_scope& scope : std::span(slot_.scopes).subspan(std::min(depth, WC_MAX_SCOPES)))
    scope.flags = 0;  // as the shim leaves it
  __atomic_store_n(&slot_.depth, depth, __ATOMIC_RELEASE);
}

void SlotView::pop_from(uint64_t seq) {
  const uint32_t depth = std::min(__atomic_load_n(&slot_.depth, __ATOMIC_ACQUIRE), WC_MAX_SCOPES);
  for (uint32_t i = 0; i < depth; i++)
    if (slot_.scopes[i].seq == seq) return set_depth(i);
}

void SlotView::note_inflight(uint64_t sp, RemoteAddress ip) {
  slot_.inflight[slot_.inflight_next++ % WC_INFLIGHT] = {sp, ip.value};
}

void SlotView::publish_all() {
  const uint32_t marked = __atomic_load_n(&slot_.marked, __ATOMIC_ACQUIRE);
  __atomic_store_n(&slot_.head, marked, __ATOMIC_RELEASE);
}

std::optional<SlotView::WaitingCall> SlotView::waiting_call(uint32_t functions) const {
  auto depth_of = [](uint32_t& field) { return __atomic_load_n(&field, __ATOMIC_ACQUIRE); };
  if (depth_of(slot_.pending_depth) != 1 || depth_of(slot_.depth) != 1) return std::nullopt;
  WaitingCall seen{};
  seen.tsc = __atomic_load_n(&slot_.pending[0].tsc, __ATOMIC_ACQUIRE);
  std::memcpy(&seen.scope, &slot_.scopes[0], sizeof seen.scope);
  std::atomic_thread_fence(std::memory_order_acquire);
  bool is_read = depth_of(slot_.head) == slot_.tail;  // nothing of it, or before it, is in the ring
  bool same = depth_of(slot_.pending_depth) == 1 && depth_of(slot_.depth) == 1 &&
              __atomic_load_n(&slot_.pending[0].tsc, __ATOMIC_ACQUIRE) == seen.tsc &&
              __atomic_load_n(&slot_.pending[0].seq, __ATOMIC_ACQUIRE) == seen.scope.seq;
  bool wanted = (seen.scope.flags & (WC_SCOPE_OPEN | WC_SCOPE_REPORTED)) == WC_SCOPE_OPEN &&
                slot_.gate_open == 0;
  if (!same || !is_read || !wanted || seen.scope.function >= functions) return std::nullopt;
  return seen;
}

namespace {

// Deeper ones than there is room for have overwritten those at the bottom.
uint32_t pending_depth(wc_slot& slot) {
  return __atomic_load_n(&slot.pending_depth, __ATOMIC_ACQUIRE);
}

}  // namespace

std::optional<wc_pending> SlotView::pending() const {
  const uint32_t depth = pending_depth(slot_);
  if (depth == 0) return std::nullopt;
  return slot_.pending[(depth - 1) % WC_PENDING];
}

std::optional<wc_pending> SlotView::take_pending(Pending which) {
  const uint32_t depth = pending_depth(slot_);
  if (depth == 0) return std::nullopt;
  wc_pending& last = slot_.pending[(depth - 1) % WC_PENDING];
  const wc_pending copy = last;
  if (which == Pending::Returned && copy.end == 0) return std::nullopt;
  last.end = 0;  // the thread may be about to record it
  __atomic_store_n(&slot_.pending_depth, depth - 1, __ATOMIC_RELEASE);
  return copy;
}

std::vector<wc_pending> SlotView::take_all_pending() {
  std::vector<wc_pending> taken;
  const uint32_t depth = pending_depth(slot_);
  for (uint32_t i = 0; i < std::min(depth, WC_PENDING); i++) {
    wc_pending& one = slot_.pending[(depth - 1 - i) % WC_PENDING];
    taken.push_back(one);
    one.end = 0;
  }
  __atomic_store_n(&slot_.pending_depth, 0u, __ATOMIC_RELEASE);
  return taken;
}

}  // namespace wc
