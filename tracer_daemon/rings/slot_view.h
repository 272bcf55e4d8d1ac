// One thread's slot, as the tracer reads and writes it. Its fields may change at any moment while
// the thread runs: everything is copied first and then checked.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/tracee_memory.h"
#include "protocol/shared.h"

namespace wc {

class SlotView {
 public:
  explicit SlotView(wc_slot& slot) : slot_(slot) {}

  // ---- open scopes
  // The one of the call with this number.
  void mark_reported(uint64_t seq);
  void set_depth(uint32_t depth);
  // The scope of the call with this number, and those in it.
  void pop_from(uint64_t seq);

  // Remembers where a thread continues after the gadget, for the case that the tracer dies.
  void note_inflight(uint64_t sp, RemoteAddress ip);
  // The thread is gone: what it has reserved of its ring is complete or never will be.
  void publish_all();

  // ---- syscalls that are begun and not recorded yet
  // The innermost one.
  [[nodiscard]] std::optional<wc_pending> pending() const;
  // The same, if it is one of these; the slot forgets it.
  enum class Pending { Any, Returned };
  std::optional<wc_pending> take_pending(Pending which);
  // All that there is room for, innermost first; the slot forgets them.
  std::vector<wc_pending> take_all_pending();

  // The one open call of a thread that waits in a syscall of it, both not recorded yet; seen while
  // the thread may run, so nothing where that has changed anything. `functions`: rows of the table.
  struct WaitingCall {
    wc_scope scope;
    uint64_t tsc;
  };
  [[nodiscard]] std::optional<WaitingCall> waiting_call(uint32_t functions) const;

 private:
  wc_slot& slot_;
};

}  // namespace wc
