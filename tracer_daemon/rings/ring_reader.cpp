#include "rings/ring_reader.h"

#include <algorithm>
#include <cstring>

namespace wc {

// The acquire load is the partner of the release in the shim's publish() (preload_lib/ring.c).
//
// The shim never takes a place before it is read, and never publishes less than before. Positions
// that say so are the program's doing. What stands in the ring then may be anything, and old
// records would come twice: it is left unread.
RingReader::Unread RingReader::unread(wc_slot& slot) {
  const uint32_t head = __atomic_load_n(&slot.head, __ATOMIC_ACQUIRE);
  const uint32_t tail = __atomic_load_n(&slot.tail, __ATOMIC_RELAXED);
  const uint32_t asked = bell_distance();
  uint32_t ahead = head - tail;
  if (ahead >= asked && ahead - asked <= places_) ahead -= asked;
  impossible_ = ahead > places_;
  return {tail % places_, impossible_ ? 0 : ahead, tail, head};
}

// After the records are copied: the thread may write over them from here on.
void RingReader::mark_read(wc_slot& slot, const Unread& places) {
  if (places.head != places.tail) __atomic_store_n(&slot.tail, places.head, __ATOMIC_RELEASE);
}

std::span<const wc_record> RingReader::drain(wc_slot& slot) {
  const wc_record* ring = wc_slot_ring(&slot);
  const Unread places = unread(slot);
  copy_.resize(places.count);
  const uint32_t before_end = std::min(places.count, places_ - places.first);
  if (places.count != 0) {
    std::memcpy(copy_.data(), ring + places.first, before_end * sizeof(wc_record));
    std::memcpy(copy_.data() + before_end, ring, (places.count - before_end) * sizeof(wc_record));
  }
  mark_read(slot, places);
  return copy_;
}

// A tail that lies further behind the records than a thread's own ever does. The thread reads it
// before it takes a place, and this thread reads what is taken after it has stored it: but for a
// few nanoseconds in which the thread is between the two, one of them sees the other.
bool RingReader::ask_for_bell(wc_slot& slot) {
  const Unread places = unread(slot);
  if (impossible_ || places.count != 0) return false;
  __atomic_exchange_n(&slot.tail, places.head - bell_distance(), __ATOMIC_SEQ_CST);
  return __atomic_load_n(&slot.reserved, __ATOMIC_SEQ_CST) == places.head;
}

size_t RingReader::discard(wc_slot& slot) {
  const Unread places = unread(slot);
  mark_read(slot, places);
  return places.count;
}

}  // namespace wc
