// The summary as people read it and as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "summary_stats.h"

namespace wc::backends {

enum class SummarySort { kTime, kCalls, kSyscalls, kName };
enum class SummaryFormat { kTable, kJson };

std::optional<SummarySort> parse_summary_sort(std::string_view text);
std::optional<SummaryFormat> parse_summary_format(std::string_view text);

// Both are complete with their final newline.
std::string summary_table(const SummaryStats& stats, SummarySort sort);
std::string summary_json(const SummaryStats& stats, SummarySort sort);

}  // namespace wc::backends
