#include "signals/signal_inbox.h"

#include <array>
#include <atomic>

namespace wc {
namespace {

enum class State { Free, Changes, Full };

struct Place {
  std::atomic<State> state = State::Free;
  ReceivedSignal signal;
};

std::array<Place, 64> places;
std::atomic<int> count = 0;  // so that the loop's look at an empty box is one load

}  // namespace

void put_signal(const ReceivedSignal& received) {
  for (Place& place : places) {
    State expected = State::Free;
    if (!place.state.compare_exchange_strong(expected, State::Changes)) continue;
    place.signal = received;
    place.state = State::Full;
    count++;
    return;
  }
}

std::optional<ReceivedSignal> take_signal() {
  if (count.load() <= 0) return std::nullopt;
  Place* oldest = nullptr;
  for (Place& place : places)
    if (place.state == State::Full && (oldest == nullptr || place.signal.at < oldest->signal.at))
      oldest = &place;
  if (oldest == nullptr) return std::nullopt;
  ReceivedSignal taken = oldest->signal;
  oldest->state = State::Free;
  count--;
  return taken;
}

}  // namespace wc
