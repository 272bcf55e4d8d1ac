// A thread's slot and ring as a hostile program leaves them: whatever stands there, the tracer
// reads a bounded count of records, each inside of what it has copied, and what it has taken once
// does not come again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "rings/process_share.h"
#include "rings/record_reader.h"

namespace {

constexpr uint32_t kSlot = 0;
constexpr uint32_t kFunctions = 7;

void require(bool holds) {
  if (!holds) std::abort();
}

struct NoMemory final : wc::TraceeMemory {
  size_t read(wc::RemoteAddress, void*, size_t) override { return 0; }
};

// Takes the input from the front; zeros behind its end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  template <typename T>
  T take() {
    T value{};
    const size_t n = std::min(size_, sizeof value);
    std::memcpy(&value, data_, n);
    skip(n);
    return value;
  }
  size_t fill(void* to, size_t room) {
    const size_t n = std::min(size_, room);
    std::memcpy(to, data_, n);
    skip(n);
    return n;
  }

 private:
  void skip(size_t n) {
    data_ += n;
    size_ -= n;
  }
  const uint8_t* data_;
  size_t size_;
};

class Share {
 public:
  explicit Share(uint32_t config) : places_(wc_ring_records(config)) {
    auto made = wc::ProcessShare::create({WC_GATE_DISPATCH, config, kFunctions});
    require(made.ok());
    share_ = std::move(*made);
    require(share_->take_slot() == kSlot);
  }

  void run(Input input) {
    wc_slot& slot = prepare(input);
    look_at_scopes(slot);
    look_at_pending(slot);
    drain(slot);
  }

 private:
  // The records stand from the tail on; the head is near their end, or anywhere.
  wc_slot& prepare(Input& input) {
    wc_slot& slot = share_->slot(kSlot);
    wc_record* ring = wc_slot_ring(&slot);
    std::memset(static_cast<void*>(&slot), 0, sizeof slot + written_);
    slot.depth = input.take<uint32_t>();
    slot.pending_depth = input.take<uint32_t>();
    slot.tail = input.take<uint8_t>() % 2 != 0 ? input.take<uint32_t>() : 0;
    const auto head = input.take<uint32_t>();
    const bool near = input.take<uint8_t>() % 8 != 0;
    input.fill(slot.pending, sizeof slot.pending[0] * (input.take<uint8_t>() % 4));
    input.fill(slot.scopes, sizeof slot.scopes[0] * (input.take<uint8_t>() % 4));
    const uint32_t first = slot.tail % places_;
    const size_t got = input.fill(ring + first, (places_ - first) * sizeof(wc_record));
    const auto count = static_cast<uint32_t>((got + sizeof(wc_record) - 1) / sizeof(wc_record));
    written_ = (first + count) * sizeof(wc_record);
    if (head % 4 != 0) make_nearly_right({ring + first, count});
    slot.head = near ? slot.tail + count + head % 3 : head;
    return slot;
  }

  // Types that there are, lengths that may fit, so that bodies and captures are reached.
  static void make_nearly_right(std::span<wc_record> records) {
    while (!records.empty()) {
      wc_record& head = records.front();
      const uint32_t length = head.type >> 8 & 7;
      head.type =
          (head.type & 0x1f00) | (1 + (head.type & 0xff) % WC_RECORD_CALL_SYSCALL) | length << 16;
      constexpr size_t kBody = 3;  // places of a head and a body
      if (length > kBody) {
        wc_captured one{};
        std::memcpy(&one, &records[std::min<size_t>(kBody, records.size() - 1)], sizeof one);
        one.room %= 64;
        one.size %= 66;
        std::memcpy(&records[std::min<size_t>(kBody, records.size() - 1)], &one, sizeof one);
      }
      records = records.subspan(std::min<size_t>(std::max(length, 1u), records.size()));
    }
  }

  void look_at_scopes(wc_slot& slot) {
    const auto scopes = share_->scopes(kSlot);
    require(scopes.size() <= WC_MAX_SCOPES && scopes.size() <= slot.depth);
    for (const wc_scope& scope : scopes) require(scope.function < kFunctions);
    share_->view(kSlot).mark_reported(slot.depth);
    if (auto waits = share_->view(kSlot).waiting_call(kFunctions))
      require(waits->scope.function < kFunctions);
  }

  void look_at_pending(wc_slot& slot) {
    using Pending = wc::SlotView::Pending;
    const uint32_t depth = slot.pending_depth;
    require(share_->view(kSlot).pending().has_value() == (depth != 0));
    if (auto one = share_->view(kSlot).take_pending(Pending::Returned)) require(one->end != 0);
    require(share_->view(kSlot).take_all_pending().size() <= std::min(depth, WC_PENDING));
    require(share_->view(kSlot).take_all_pending().empty());
  }

  void drain(wc_slot& slot) {
    uint32_t ahead = slot.head - slot.tail;
    // As where the tracer has asked for a bell.
    const uint32_t asked = WC_BELL_RINGS * places_;
    if (ahead >= asked && ahead - asked <= places_) ahead -= asked;
    const auto records = share_->rings().drain(share_->slot(kSlot));
    require(records.size() == (ahead <= places_ ? ahead : 0));
    require(share_->rings().found_impossible() == (ahead > places_));
    read(records);
    require(share_->rings().drain(share_->slot(kSlot)).empty());
    require(share_->rings().discard(share_->slot(kSlot)) == 0);
  }

  void read(std::span<const wc_record> records) {
    const auto* begin = reinterpret_cast<const unsigned char*>(records.data());
    wc::RecordReader reader(records);
    size_t count = 0;
    for (wc::RecordView view, last; reader.next(view); last = view) {
      require(++count <= records.size());
      require(view.type > 0 && view.type != WC_RECORD_SKIP && view.type <= WC_RECORD_CALL_SYSCALL);
      require(view.captures.empty() ||
              (view.captures.data() >= begin &&
               view.captures.data() + view.captures.size() <= begin + records.size_bytes()));
      read_memory(view, last);
    }
  }

  void read_memory(const wc::RecordView& view, const wc::RecordView& last) {
    wc::CapturedMemory memory(view, nothing_);
    memory.add(last);
    (void)memory.stack_registers();
    unsigned char bytes[64];
    wc_captured one{};
    if (view.captures.size() >= sizeof one) std::memcpy(&one, view.captures.data(), sizeof one);
    for (const uint64_t address : {one.address, one.address + one.size - 1, view.body.args[0]})
      require(memory.read({address}, bytes, sizeof bytes) <= sizeof bytes);
  }

  std::unique_ptr<wc::ProcessShare> share_;
  uint32_t places_;
  size_t written_ = 0;  // bytes of the ring
  NoMemory nothing_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Share small(0), large(WC_CONFIG_IN_PROCESS);
  Input input(data, size);
  (input.take<uint8_t>() % 2 != 0 ? large : small).run(input);
  return 0;
}
