#include "events/event_source.h"

#include <algorithm>

namespace wc {

std::optional<uint32_t> EventSource::own_row(uint32_t function) const {
  if (table == nullptr || own_scopes == nullptr || function & kBreakFunction) return std::nullopt;
  const size_t row = size_t{function} - table->functions.size();
  if (row >= WC_OWN_SCOPES) return std::nullopt;
  return static_cast<uint32_t>(row);
}

std::shared_ptr<const TypedArguments> EventSource::arguments_of(const wc_scope& scope) const {
  if (!(scope.function & kBreakFunction)) return nullptr;
  const auto found = std::ranges::find(open_breaks, scope.seq,
                                       [](const BreakScope& one) { return one.scope.seq; });
  return found != open_breaks.end() ? found->arguments : nullptr;
}

const FunctionInfo& EventSource::function(uint32_t number) const {
  static const FunctionInfo unknown{"?", "?", "?", nullptr, false};
  const FunctionTable* known = number & kBreakFunction ? breakpoints : table;
  if (known == nullptr) return unknown;
  if (auto row = own_row(number)) {
    const FunctionInfo* own = own_scopes->find(*row);
    return own != nullptr ? *own : unknown;
  }
  number &= ~kBreakFunction;
  return number < known->functions.size() ? known->functions[number] : unknown;
}

}  // namespace wc
