#include "events/call_stack.h"

#include <algorithm>

namespace wc {

std::span<const wc_scope> CallStack::alive(std::span<const wc_scope> scopes, uint64_t sp,
                                           std::span<const uint64_t> interrupted) {
  auto is_dead = [&](const wc_scope& scope) {
    return scope.sp <= sp && std::none_of(interrupted.begin(), interrupted.end(),
                                          [&](uint64_t at) { return at < scope.sp; });
  };
  size_t n = scopes.size();
  while (n > 0 && is_dead(scopes[n - 1])) n--;
  return scopes.first(n);
}

std::span<EndedCall> CallStack::pop_to(size_t size) {
  if (calls_.size() <= size) return {};
  ended_.clear();
  while (calls_.size() > size) {
    if (!interrupted_.empty()) std::erase(interrupted_, calls_.back().seq);
    ended_.push_back({std::move(calls_.back())});
    calls_.pop_back();
  }
  return ended_;
}

size_t CallStack::position(uint64_t seq) const {
  auto at = std::find_if(calls_.begin(), calls_.end(),
                         [&](const OpenCall& call) { return call.seq == seq; });
  return static_cast<size_t>(at - calls_.begin());
}

std::span<EndedCall> CallStack::apply(const wc_record& record) {
  size_t at = position(record.seq);
  if (at == calls_.size()) {
    if (!left_out_.empty()) std::erase(left_out_, record.seq);
    return {};
  }
  auto ended = pop_to(at);
  EndedCall& last = ended.back();
  last.tsc = record.tsc;
  if ((record.type & WC_RECORD_TYPES) == WC_RECORD_RETURN) {
    last.unwound = false;
    last.ret = record.ret;
    last.error = record.error;
  }
  return ended;
}

size_t CallStack::common(std::span<const wc_scope> scopes) const {
  size_t n = 0;
  while (n < calls_.size() && n < scopes.size() && calls_[n].seq == scopes[n].seq) n++;
  return n;
}

std::span<EndedCall> CallStack::drop_missing(std::span<const wc_scope> scopes) {
  return pop_to(common(scopes));
}

std::span<const wc_scope> CallStack::unknown(std::span<const wc_scope> scopes) const {
  return scopes.subspan(common(scopes));
}

void CallStack::leave_out(uint64_t seq) {
  constexpr size_t kMost = 2 * WC_MAX_SCOPES;
  if (left_out_.size() == kMost) left_out_.erase(left_out_.begin());
  left_out_.push_back(seq);
}

bool CallStack::is_left_out(uint64_t seq) const {
  return std::ranges::find(left_out_, seq) != left_out_.end();
}

void CallStack::handler_begins(uint64_t seq) {
  constexpr size_t kMost =
      64;  // handlers that were left before their call was known are not missed
  if (interrupted_.size() == kMost) interrupted_.erase(interrupted_.begin());
  interrupted_.push_back(seq);
}

void CallStack::handler_returns() {
  if (!interrupted_.empty()) interrupted_.pop_back();
}

bool CallStack::is_in_handler() const {
  return std::any_of(interrupted_.begin(), interrupted_.end(),
                     [&](uint64_t seq) { return position(seq) != calls_.size(); });
}

OpenCall& CallStack::push() {
  if (ended_.empty()) return calls_.emplace_back();
  // Reuses the buffers of a call that was already reported.
  OpenCall& call = calls_.emplace_back(std::move(ended_.back().call));
  ended_.pop_back();
  call.reset();
  return call;
}

}  // namespace wc
