// What the back ends of a run want, as one value: what is captured, decoded and timed is computed
// from it. It changes when a back end comes or goes; the generation says that it has.
#pragma once

#include <cstdint>

#include "wc_backend.h"

namespace wc {

// Back end `none` does not.
bool hears_events(const wc_backend& callbacks);

struct Demand {
  uint32_t all = 0;           // OR of enum wc_want
  bool has_audience = false;  // somebody listens to calls and syscalls (`none` does not)
  // Of those that hear of events beside who keeps them undecoded (WC_WANT_RAW): what they want, and
  // whether there are any.
  uint32_t heard = 0;
  bool is_heard = false;
  uint64_t generation = 0;

  // One more back end, or observer, that wants `wants`.
  void add(const wc_backend& callbacks, uint32_t wants);
  [[nodiscard]] bool wants(wc_want want) const { return (all & want) != 0; }
};

}  // namespace wc
