#include "replay/recorded_processes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "catalog/catalog.h"

namespace wc {
namespace {

constexpr uint64_t kMostRows = 1 << 14;  // of a table; glibc has 2,600 functions
constexpr size_t kMostRowsOfAll = size_t{1} << 22;

}  // namespace

void RecordedProcesses::forget(int32_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  rows_ -= found->second.table.functions.size() + found->second.breaks.functions.size();
  processes_.erase(found);
}

bool RecordedProcesses::function(int32_t pid, TapeReader& reader) {
  TapedFunction row;
  row.fields(reader);
  const bool is_break = (row.number & kBreakFunction) != 0;
  const uint32_t number = row.number & ~kBreakFunction;
  Process& process = processes_[pid];
  auto& functions = is_break ? process.breaks.functions : process.table.functions;
  if (is_break && number < kMostRows && number >= functions.size()) {
    rows_ += number + 1 - functions.size();
    if (rows_ > kMostRowsOfAll) return false;
    functions.resize(number + 1);
  }
  if (number >= functions.size()) return false;
  FunctionInfo& info = functions[number];
  info.symbol = std::move(row.symbol);
  info.name = std::move(row.name);
  info.library = std::move(row.library);
  info.thin = (row.flags & 1) != 0;
  info.kind = static_cast<wc_function_kind>(std::min<uint8_t>(row.kind, WC_FUNCTION_SCOPE));
  info.spec = row.row.empty() ? nullptr : find_function(row.row);
  return true;
}

bool RecordedProcesses::mode(int32_t pid, TapeReader& reader) {
  uint32_t number = 0, weight = 0;
  reader.number(number);
  reader.number(weight);
  Process& process = processes_[pid];
  if (number >= process.table.functions.size()) return true;  // of a scope of the program's own
  FunctionModes& modes = process.modes;
  modes.rows.resize(process.table.functions.size(), 0);
  if (weight <= 1) {
    modes.rows[number] = weight == 0 ? WC_OFF : 0;
    return true;
  }
  auto known = std::ranges::find(modes.weights, weight);
  if (known == modes.weights.end()) {
    if (modes.weights.size() >= WC_SAMPLES) return false;
    modes.weights.push_back(weight);
    known = std::prev(modes.weights.end());
  }
  modes.rows[number] = static_cast<uint8_t>(WC_SAMPLED + (known - modes.weights.begin()));
  return true;
}

bool RecordedProcesses::own_scope(TapeReader& reader) {
  int32_t pid = 0;
  uint32_t row = 0;
  std::string name, library;
  reader.number(pid);
  reader.number(row);
  reader.text(name);
  reader.text(library);
  if (row >= WC_OWN_SCOPES) return false;
  processes_[pid].own_scopes.learn(row, std::move(name), std::move(library));
  return true;
}

bool RecordedProcesses::table(int32_t pid, TapeReader& reader) {
  uint64_t size = 0;
  reader.number(size);
  Process& process = processes_[pid];
  rows_ -= process.table.functions.size();
  process.table.functions.clear();
  if (size > kMostRows || rows_ + size > kMostRowsOfAll) return false;
  process.table.functions.assign(size, {"?", "?", "?", nullptr, false});
  process.modes = {};
  process.own_scopes = {};
  rows_ += size;
  return true;
}

}  // namespace wc
