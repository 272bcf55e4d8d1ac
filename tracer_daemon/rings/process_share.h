// The tracer's side of the memory shared with one traced process
// (protocol/shared.h). The process owns its content: everything read here is
// copied first and then checked; indices and counts never leave their bounds.
//
// The process maps some slots at first and more as threads come: each such piece is a Segment of
// the file. The tracer's own mapping grows as well, and may move: no reference to a slot outlives
// plan_growth().
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "base/tracee_memory.h"
#include "protocol/shared.h"
#include "rings/ring_reader.h"
#include "rings/shared_memory.h"
#include "rings/slot_view.h"

namespace wc {

// What a patched site captures of each syscall, by number.
using SyscallPlans = std::array<wc_plan, WC_PLANNED_SYSCALLS>;

struct ShareLayout {
  wc_gate gate = WC_GATE_OFF;
  uint32_t config = 0;             // OR of enum wc_config
  uint32_t function_count = 0;     // rows of the stub table, those of own scopes included
  std::span<const wc_plan> plans;  // by syscall number, with WC_CONFIG_IN_PROCESS
};

class ProcessShare {
 public:
  static Result<std::unique_ptr<ProcessShare>> create(const ShareLayout& layout,
                                                      const SharedMemory& memory = {});
  // In a memfd that the process has made itself. It may go on using its descriptor: errors also
  // where that cannot be sealed against shrinking, or is no memfd at all.
  static Result<std::unique_ptr<ProcessShare>> adopt(ScopedFd file, const ShareLayout& layout);
  // In anonymous memory of the process, which nobody but root can name, and so can shrink.
  static Result<std::unique_ptr<ProcessShare>> adopt_unsealed(ScopedFd file,
                                                              const ShareLayout& layout);
  // How much of it a process maps at first.
  static uint64_t first_size_of(const ShareLayout& layout);
  ~ProcessShare();
  ProcessShare(const ProcessShare&) = delete;
  ProcessShare& operator=(const ProcessShare&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const ShareLayout& layout() const { return layout_; }
  [[nodiscard]] bool valid_slot(uint64_t index) const { return index < slots_; }

  // ---- what the process has mapped
  // A piece of the file, and where the process has it.
  struct Segment {
    uint64_t offset = 0, size = 0;
    uint64_t address = 0;
    [[nodiscard]] bool contains(uint64_t at) const { return at - address < size; }
  };
  // Once it has: it says where.
  void note_first_mapped();
  // A free slot, now taken; nullopt: all that are mapped are.
  std::optional<uint32_t> take_slot();
  // The next piece: the page in front of it, which the process has mapped, and how much to map from
  // that page on. nullopt: there are as many slots as there may be, or the file cannot grow.
  struct Growth {
    uint64_t page = 0, size = 0;
  };
  std::optional<Growth> plan_growth();
  void note_grown(const Growth& growth, uint64_t address);
  // The piece around an address of the process; nullptr: it is none of this memory.
  [[nodiscard]] const Segment* segment_at(uint64_t address) const;
  wc_shared_header& header() { return *header_; }

  // A slot's fields may change at any moment while its thread runs.
  wc_slot& slot(uint32_t index);
  // Where the process has it.
  [[nodiscard]] uint64_t address_of(uint32_t index) const;

  // Scopes of a slot, outermost first, from depth `from` on, copied: those that are open or whose
  // return is still to be reported. An impossible function index ends the list. The span is valid
  // until the next call.
  std::span<const wc_scope> scopes(uint32_t index, uint32_t from = 0);
  [[nodiscard]] SlotView view(uint32_t index) { return SlotView(slot(index)); }
  RingReader& rings() { return rings_; }
  [[nodiscard]] wc_counter counter(uint32_t slot_index, uint32_t function) const;

  // The thread is gone; its counters are kept in the totals.
  void free_slot(uint32_t index);
  // Calls and ticks of function `function` in all slots, freed ones included.
  wc_counter total(uint32_t function);

 private:
  static Result<std::unique_ptr<ProcessShare>> map(Result<ScopedFd> file,
                                                   const ShareLayout& layout);
  ProcessShare(ScopedFd fd, uint8_t* base, uint64_t size, const ShareLayout& layout);
  ScopedFd fd_;
  uint8_t* base_;
  uint64_t size_;       // that the tracer has mapped
  uint32_t slots_ = 0;  // that the process has mapped, or is about to

  std::vector<Segment> segments_;
  std::bitset<WC_SLOTS> taken_;  // what the process writes into a slot's state is not asked
  uint32_t slot_size_;
  RingReader rings_;
  ShareLayout layout_;
  wc_shared_header* header_;
  std::array<wc_scope, WC_MAX_SCOPES> scope_copy_{};
  std::unique_ptr<wc_counter[]> freed_;  // totals of freed slots, with WC_CONFIG_COUNTS
};

}  // namespace wc
