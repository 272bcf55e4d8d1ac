#include <algorithm>
#include <iterator>

#include "catalog/catalog.h"

namespace wc {
namespace {

constexpr std::string_view kPure[] = {
#define PURE(name) #name,
#include "catalog/glibc_pure.def"
#undef PURE
};
static_assert(std::is_sorted(std::begin(kPure), std::end(kPure)), "glibc_pure.def is out of order");

}  // namespace

bool is_pure_function(std::string_view exported_name) {
  return std::binary_search(std::begin(kPure), std::end(kPure), exported_name);
}

}  // namespace wc
