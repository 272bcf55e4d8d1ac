#include "catalog/near_functions.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "catalog/selection.h"
#include "names/function_name.h"

namespace wc {
namespace {

size_t part_count(std::string_view name) {
  size_t count = 0;
  for (; !name.empty(); name = behind_scope(name)) count++;
  return count;
}

std::string last_parts(std::string_view name, size_t count) {
  for (size_t has = part_count(name); has > count; has--) name = behind_scope(name);
  return std::string(name);
}

}  // namespace

NearFunctions::NearFunctions(const BreakTerm& term)
    : bare_(term), pattern_(term.pattern), parts_(part_count(term.pattern)) {
  bare_.pattern = bare_.tight = plain_name(term.pattern);
}

void NearFunctions::add(const FunctionNames& names) {
  if (bare_.pattern == pattern_) {
    for (const std::string& name : spellings(names.plain)) others_.insert(last_parts(name, parts_));
    return;
  }
  bool is_overload = matches(bare_, names);
  (is_overload ? overloads_ : others_).insert(last_parts(names.plain + names.parameters, parts_));
}

std::vector<std::string> NearFunctions::nearest() const {
  if (!overloads_.empty()) {
    auto end = std::next(overloads_.begin(),
                         static_cast<ptrdiff_t>(std::min(overloads_.size(), kMostSuggestions)));
    return {overloads_.begin(), end};
  }
  std::vector<std::string_view> views(others_.begin(), others_.end());
  auto near = wc::nearest(pattern_, views);
  return {near.begin(), near.end()};
}

}  // namespace wc
