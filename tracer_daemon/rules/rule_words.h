// The words of which rules are made: numbers, times, names of errors, signals and flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rules/rule.h"

namespace wc {

// "a:b::c:\"d:e\"" in parts: `::` belongs to a name, as does the colon of `scope:` in the first
// part; what stands in double quotes is not separated.
std::vector<std::string> split_rule(std::string_view text);

// Decimal, 0x..., 0... (octal), with a sign where `signed_too`.
Result<uint64_t> parse_number(std::string_view text);
Result<int64_t> parse_signed(std::string_view text);
// A number, or names of flags of any table, joined by `|`.
Result<uint64_t> parse_flag_expression(std::string_view text);
// "EIO", or a number from 1 to 4095.
Result<int> parse_error_name(std::string_view text);
// "SIGINT", "INT", "SIGRT_3", or a number.
Result<int> parse_signal_name(std::string_view text);
// "100" (microseconds), "5ms", "2s", "10us", "1000ns": nanoseconds.
Result<uint64_t> parse_duration(std::string_view text);
// "@arg1=00ff,@arg3=..."
Result<std::vector<Poke>> parse_pokes(std::string_view text);
// "3", "3+", "3+2", "2..5", "2..5+2"
Result<RuleWhen> parse_when(std::string_view text);
// "arg1==3", "arg2&O_CREAT", "path=/etc/*", "fd=2", "size>4096"
Result<RuleCondition> parse_condition(std::string_view text);

}  // namespace wc
