// What the options of backend "summary" say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "sink.h"

namespace wc::backends {

enum class SummaryBy { kFunction, kCaller, kSyscall, kThread, kPath };
enum class SummarySort { kTime, kCalls, kSyscalls, kErrors, kMax, kName };
enum class SummaryFormat { kText, kJson, kCsv };
enum class RowChoice { kWithSyscalls, kAll };
enum class Histograms { kNone, kShown };
// Where a call came from, or, with -k, the nearest function around it that has a name.
enum class Callers { kDirect, kNamed };

struct SummaryOptions {
  SummaryBy by = SummaryBy::kFunction;
  SummarySort sort = SummarySort::kTime;
  SummaryFormat format = SummaryFormat::kText;
  RowChoice rows = RowChoice::kWithSyscalls;
  Histograms histograms = Histograms::kNone;
  Callers callers = Callers::kDirect;
  bool all_calls = false;    // -a
  uint64_t top = 0;          // rows that are shown; 0: all
  uint64_t interval_ns = 0;  // between two tables; 0: one at the end
};

// The options, or what is wrong with them.
std::variant<SummaryOptions, std::string> read_summary_options(const Sink& sink);

// What a row stands for: "function", "caller", ...
std::string_view row_name(SummaryBy by);

}  // namespace wc::backends
