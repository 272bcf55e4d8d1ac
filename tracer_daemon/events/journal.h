// What the pipeline finds out beside what it is told: the time, stacks, results by their types.
// While a tape is written, it goes there; while one is played, it comes from there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "decode/typed_values.h"
#include "events/flight_watch.h"
#include "events/tape.h"
#include "events/taping.h"
#include "events/tick_clock.h"
#include "symbols/unwinder.h"

namespace wc {

// The findings of the entry that is played, in their order.
class Answers {
 public:
  virtual ~Answers() = default;
  virtual uint64_t moment() = 0;
  virtual std::shared_ptr<const Stack> stack() = 0;
  virtual std::optional<TypedValue> value() = 0;
  virtual bool is_in_handler() = 0;
  virtual bool is_stopped() = 0;
};

struct Journal {
  Tape* tape = nullptr;
  Answers* answers = nullptr;
  const TickClock* clock = nullptr;  // of what is reported
  FlightWatch flight;

  [[nodiscard]] uint64_t now() const {
    if (answers != nullptr) return answers->moment();
    const uint64_t moment = clock != nullptr ? clock->moment() : TickClock::now();
    if (tape != nullptr) tape_moment(*tape, moment);
    return moment;
  }
  [[nodiscard]] bool is_in_handler(const CallStack& calls) const {
    if (answers != nullptr) return answers->is_in_handler();
    const bool is_in = calls.is_in_handler();
    if (is_in && tape != nullptr) tape_in_handler(*tape);
    return is_in;
  }
  // Whether no more of the innermost call is reported.
  [[nodiscard]] bool is_stopped(const BackendVerdict& verdict) const {
    if (answers != nullptr) return answers->is_stopped();
    const bool is_stopped = verdict.kind == WC_STOP_SCOPE;
    if (is_stopped && tape != nullptr) tape_stopped(*tape);
    return is_stopped;
  }
  template <typename Unwind>
  std::shared_ptr<const Stack> stack(Unwind unwind) const {
    if (answers != nullptr) return answers->stack();
    if (tape == nullptr) return unwind();
    tape->keep_memory(false);  // of all that is read only the frames are kept
    std::shared_ptr<const Stack> found = unwind();
    tape->keep_memory(true);
    tape_stack(*tape, found.get());
    return found;
  }
  template <typename Decode>
  std::optional<TypedValue> value(Decode decode) const {
    if (answers != nullptr) return answers->value();
    std::optional<TypedValue> found = decode();
    if (tape != nullptr) tape_value(*tape, found);
    return found;
  }
};

// One call of the pipeline as an entry on the tape, from its begin to its end; without a tape, or
// within another entry, nothing.
class TapeEntry {
 public:
  TapeEntry(Tape* tape, TapeOp op, int32_t pid, int32_t tid, const CallStack* calls = nullptr)
      : tape_(tape != nullptr && !tape->is_open() ? tape : nullptr) {
    if (tape_ != nullptr) tape_->begin(op, pid, tid, calls != nullptr && calls->calls().empty());
  }
  TapeEntry(const TapeEntry&) = delete;
  TapeEntry& operator=(const TapeEntry&) = delete;
  ~TapeEntry() {
    if (tape_ != nullptr) tape_->end();
  }
  explicit operator bool() const { return tape_ != nullptr; }

 private:
  Tape* tape_;
};

// The same of a call with a source, whose memory is read by way of the tape.
class TapedCall {
 public:
  TapedCall(Tape* tape, TapeOp op, const EventSource& source)
      : entry_(tape, op, source.pid, source.tid, source.calls), given_(source) {
    if (!entry_) return;
    memory_.emplace(*source.memory, *tape);
    taped_.emplace(source).memory = &*memory_;
  }
  [[nodiscard]] const EventSource& source() const { return taped_ ? *taped_ : given_; }
  explicit operator bool() const { return static_cast<bool>(entry_); }

 private:
  TapeEntry entry_;
  const EventSource& given_;
  std::optional<TapedMemory> memory_;
  std::optional<EventSource> taped_;
};

}  // namespace wc
