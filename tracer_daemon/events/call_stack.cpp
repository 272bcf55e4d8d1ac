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

std::vector<EndedCall> CallStack::pop_to(size_t size) {
  std::vector<EndedCall> ended;
  while (calls_.size() > size) {
    ended.push_back({std::move(calls_.back())});
    calls_.pop_back();
  }
  return ended;
}

size_t CallStack::position(uint64_t seq) const {
  auto at = std::find_if(calls_.begin(), calls_.end(),
                         [&](const OpenCall& call) { return call.seq == seq; });
  return static_cast<size_t>(at - calls_.begin());
}

std::vector<EndedCall> CallStack::apply(const wc_record& record) {
  size_t at = position(record.seq);
  if (at == calls_.size()) return {};
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

std::vector<EndedCall> CallStack::drop_missing(std::span<const wc_scope> scopes) {
  return pop_to(common(scopes));
}

std::span<const wc_scope> CallStack::unknown(std::span<const wc_scope> scopes) const {
  return scopes.subspan(common(scopes));
}

OpenCall& CallStack::push(OpenCall call) { return calls_.emplace_back(std::move(call)); }

}  // namespace wc
