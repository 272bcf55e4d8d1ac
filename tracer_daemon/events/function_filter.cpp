#include "events/function_filter.h"

#include <algorithm>

namespace wc {

bool FunctionFilter::call(wc_call& event) {
  if (choice_ == nullptr) return true;
  auto& open = open_[event.tid];
  // A call can be told twice: first to those who want all calls.
  const auto known = std::ranges::find(open, event.id, &Open::id);
  const auto around = std::ranges::subrange(open.begin(), known);
  const auto depth = std::ranges::count_if(around, &Open::is_selected);
  uint64_t parent = 0;
  for (const Open& one : around)
    if (one.is_selected) parent = one.id;
  const bool is_selected =
      known != open.end() ? known->is_selected : choice_(event.symbol, event.library);
  event.parent = parent;
  event.depth = static_cast<uint32_t>(depth);
  if (known == open.end()) open.push_back({event.id, is_selected});
  return is_selected;
}

bool FunctionFilter::ret(wc_return& event) {
  if (choice_ == nullptr) return true;
  const auto thread = open_.find(event.tid);
  if (thread == open_.end()) return false;
  auto& open = thread->second;
  const auto known = std::ranges::find(open, event.call, &Open::id);
  if (known == open.end()) return false;
  const bool is_selected = known->is_selected;
  open.erase(known, open.end());
  event.depth = static_cast<uint32_t>(std::ranges::count_if(open, &Open::is_selected));
  if (open.empty()) open_.erase(thread);
  return is_selected;
}

bool FunctionFilter::syscall(wc_syscall& event) {
  if (choice_ == nullptr) return true;
  chain_.clear();
  event.call = event.depth = 0;
  if (const auto thread = open_.find(event.tid); thread != open_.end())
    for (size_t i = 0; i < thread->second.size() && i < event.chain_length; i++) {
      if (!thread->second[i].is_selected) continue;
      event.call = thread->second[i].id;
      event.depth = static_cast<uint32_t>(chain_.size());
      chain_.push_back(event.chain[i]);
    }
  event.chain = chain_.data();
  event.chain_length = static_cast<uint32_t>(chain_.size());
  event.function = chain_.empty() ? nullptr : chain_.back();
  return event.call != 0 || keeps_outside_;
}

bool FunctionFilter::totals(const wc_totals& event) const {
  return choice_ == nullptr || choice_(event.function, event.library);
}

}  // namespace wc
