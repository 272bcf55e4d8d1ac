// --flight and --flight-on: how much is kept, and what it is written at.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

constexpr std::array<std::string_view, 5> kReasons{"exit", "signal", "rule", "slow=", "errno="};

// 0: there is no error of that name.
int error_of(std::string_view name) {
  constexpr int kMost = 133;
  for (int code = 1; code <= kMost; code++)
    if (const char* known = ::strerrorname_np(code); known != nullptr && name == known) return code;
  return 0;
}

// "10ms"; 0: it is no time.
uint64_t nanoseconds_of(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ns;
  };
  constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  constexpr double kMost = 1e18;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto number = whole_number<double>(text.substr(0, text.size() - unit.name.size()));
    if (!number) continue;
    const double ns = *number * unit.ns;
    return ns >= 1 && ns < kMost ? static_cast<uint64_t>(ns) : 0;
  }
  return 0;
}

Status add_reason(const Setting& setting, std::string_view word, FlightChoice& flight) {
  const auto wrong = [&](std::string_view valid) {
    return Error{fmt::format("{}: bad value {}; valid: {}", setting.where, in_quotes(word), valid)};
  };
  if (word == "exit") {
    flight.on_exit = true;
  } else if (word == "signal") {
    flight.on_signal = true;
  } else if (word == "rule") {
    flight.on_rule = true;
  } else if (word.starts_with("slow=")) {
    flight.slow = nanoseconds_of(word.substr(5));
    if (flight.slow == 0) return wrong("slow=TIME with ns, us, ms or s, as slow=10ms");
  } else if (word.starts_with("errno=")) {
    flight.errors.push_back(error_of(word.substr(6)));
    if (flight.errors.back() == 0) return wrong("errno=NAME, as errno=EIO");
  } else {
    return Error{fmt::format("{}: unknown value {}{}", setting.where, in_quotes(word),
                             suggestion(word, kReasons))};
  }
  return Done{};
}

}  // namespace

Status apply_flight(const Setting& setting, Options& options) {
  FlightChoice& flight = options.flight;
  if (setting.key == Key::Flight) {
    const bool is_new = !std::exchange(flight.asked, true);
    if (is_new) options.backends.emplace_back("flight");
    if (setting.value.empty()) return Done{};
    const auto number = whole_number<uint32_t>(setting.value);
    if (!number || *number < 1 || *number > kMostFlightEvents)
      return Error{fmt::format("{}: bad value {}; valid: a number of events from 1 to {}",
                               setting.where, in_quotes(setting.value), kMostFlightEvents)};
    flight.events = *number;
    return Done{};
  }
  flight.on_exit = flight.on_signal = flight.on_rule = false;
  flight.slow = 0;
  flight.errors.clear();
  for (const std::string_view word : split_words(setting.value, ","))
    if (Status added = add_reason(setting, word, flight); !added) return added;
  return Done{};
}

}  // namespace wc::config
