#include "gates/stop_counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "decode/decoder.h"

namespace wc {

std::string_view name_of(StopReason reason) {
  switch (reason) {
    case StopReason::Rule:
      return "rule";
    case StopReason::Syscall:
      return "syscall";
    case StopReason::Arguments:
      return "arguments";
    case StopReason::Site:
      break;
  }
  return "site";
}

void StopCounts::add(std::string_view function, uint32_t nr, StopReason reason) {
  ++counts_[Key{std::string(function), nr, reason}];
}

std::vector<StopCounts::Row> StopCounts::rows() const {
  std::vector<Row> all;
  for (const auto& [key, count] : counts_)
    all.push_back({key.function, std::string(syscall_spec(key.nr).name), key.reason, count});
  std::ranges::stable_sort(all, std::greater<>(), &Row::count);
  return all;
}

std::string StopCounts::summary() const {
  constexpr size_t kMost = 8;
  const auto all = rows();
  if (all.empty()) return {};
  uint64_t total = 0, shown = 0;
  for (const Row& row : all) total += row.count;
  std::string text = fmt::format("{} system calls were left to stops:", total);
  for (size_t i = 0; i < std::min(all.size(), kMost); i++) {
    const Row& row = all[i];
    text += fmt::format("{} {} {} in {} ({})", i == 0 ? "" : ",", row.count, row.syscall,
                        row.function, name_of(row.reason));
    shown += row.count;
  }
  if (shown < total) text += fmt::format(", {} others", total - shown);
  return text;
}

}  // namespace wc
