// The reader's end of a slot's ring. The writer's is preload_lib/ring.c.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "protocol/shared.h"

namespace wc {

class RingReader {
 public:
  // `places`: of each ring.
  explicit RingReader(uint32_t places) : places_(places) {}

  // Takes what the thread has appended since the last call, oldest first: a copy, valid until the
  // next call. A record may take several places (RecordReader). Nothing where the ring's positions
  // are impossible: it is read from where they stand then.
  std::span<const wc_record> drain(wc_slot& slot);
  // Skips the records without copying them; returns how many places they take.
  size_t discard(wc_slot& slot);
  // Has the thread find its ring full at its next record, so that it rings: a tracer that sleeps is
  // woken, and a thread that writes to one that is awake pays nothing for that. Holds until the
  // next of the two above. False: there are records already.
  bool ask_for_bell(wc_slot& slot);
  // Whether the last of these found positions that a shim does not leave: records are lost.
  [[nodiscard]] bool found_impossible() const { return impossible_; }

 private:
  // What the ring's positions say, read once.
  struct Unread {
    uint32_t first, count;  // places of the ring
    uint32_t tail, head;
  };
  Unread unread(wc_slot& slot);
  static void mark_read(wc_slot& slot, const Unread& places);

  [[nodiscard]] uint32_t bell_distance() const { return WC_BELL_RINGS * places_; }

  uint32_t places_;
  std::vector<wc_record> copy_;
  bool impossible_ = false;
};

}  // namespace wc
