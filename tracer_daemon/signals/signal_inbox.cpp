#include "signals/signal_inbox.h"

#include <array>
#include <atomic>

namespace wc {
namespace {

enum class State { Free, Changes, Full };

struct Entry {
  std::atomic<State> state = State::Free;
  ReceivedSignal signal;
};

std::array<Entry, 64> entries;
std::atomic<int> count = 0;  // so that the loop's look at an empty box is one load

}  // namespace

void put_signal(const ReceivedSignal& received) {
  for (Entry& entry : entries) {
    State expected = State::Free;
    if (!entry.state.compare_exchange_strong(expected, State::Changes)) continue;
    entry.signal = received;
    entry.state = State::Full;
    count++;
    return;
  }
}

bool has_signals() { return count.load() > 0; }

std::optional<ReceivedSignal> take_signal() {
  if (!has_signals()) return std::nullopt;
  Entry* oldest = nullptr;
  for (Entry& entry : entries)
    if (entry.state == State::Full && (oldest == nullptr || entry.signal.at < oldest->signal.at))
      oldest = &entry;
  if (oldest == nullptr) return std::nullopt;
  ReceivedSignal taken = oldest->signal;
  oldest->state = State::Free;
  count--;
  return taken;
}

}  // namespace wc
