#include "events/own_scopes.h"

#include <utility>

namespace wc {

const FunctionInfo& OwnScopes::learn(uint32_t row, std::string name, std::string library) {
  static const FunctionSpec kScope{.result = {ArgKind::Void, 0}};
  FunctionInfo& info = rows_[row % rows_.size()];
  info.symbol = info.name = name.empty() ? "?" : std::move(name);
  info.library = std::move(library);
  info.spec = &kScope;
  info.kind = WC_FUNCTION_SCOPE;
  return info;
}

}  // namespace wc
