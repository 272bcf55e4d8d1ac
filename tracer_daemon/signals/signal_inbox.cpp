#include "signals/signal_inbox.h"

#include <array>
#include <atomic>

namespace wc {
namespace {

enum class State { Free, Changes, Full };

struct Slot {
  std::atomic<State> state = State::Free;
  ReceivedSignal signal;
};

std::array<Slot, 64> slots;
std::atomic<int> count = 0;  // so that the loop's look at an empty box is one load

}  // namespace

void put_signal(const ReceivedSignal& received) {
  for (Slot& slot : slots) {
    State expected = State::Free;
    if (!slot.state.compare_exchange_strong(expected, State::Changes)) continue;
    slot.signal = received;
    slot.state = State::Full;
    count++;
    return;
  }
}

bool has_signals() { return count.load() > 0; }

std::optional<ReceivedSignal> take_signal() {
  if (!has_signals()) return std::nullopt;
  Slot* oldest = nullptr;
  for (Slot& slot : slots)
    if (slot.state == State::Full && (oldest == nullptr || slot.signal.at < oldest->signal.at))
      oldest = &slot;
  if (oldest == nullptr) return std::nullopt;
  ReceivedSignal taken = oldest->signal;
  oldest->state = State::Free;
  count--;
  return taken;
}

}  // namespace wc
