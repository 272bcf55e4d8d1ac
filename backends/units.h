// Counts, durations and percentages as texts of at most six characters, for the columns of tables.
#pragma once

#include <cstdint>
#include <string>

namespace wc::backends {

std::string short_count(uint64_t value);  // "999999", "1.23M", "45.6G"
std::string short_duration(uint64_t ns);  // "0 ns", "1.2 ms", "340 us", "17 min", "2.5 h"
std::string short_percent(uint64_t part, uint64_t whole);  // "100%", "42%", "1.7%", "0%"; "" of 0

}  // namespace wc::backends
