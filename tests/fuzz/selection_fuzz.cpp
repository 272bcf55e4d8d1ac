// Any text is a list of functions or an error; what parses can be applied, strictly or not, and
// selects only what may be wrapped.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "catalog/catalog.h"
#include "catalog/selection.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr wc::Candidate kCandidates[] = {
      {"open", "libc.so.6", true},         {"__open_2", "libc.so.6", true},
      {"vfork", "libc.so.6", true},        {"_dl_x", "libc.so.6", true},
      {"__printf_chk", "libc.so.6", true}, {"deflate", "libz.so.1", false},
      {"open64", "libz.so.1", false},      {"", "", false},
  };
  if (size > 4096) return 0;
  const std::string_view list(reinterpret_cast<const char*>(data), size);
  const auto terms = wc::parse_selection(list);
  if (!terms) {
    if (terms.error().message.empty()) std::abort();
    return 0;
  }
  for (const bool strict : {false, true}) {
    const auto outcome = wc::select(*terms, kCandidates, strict);
    if (!outcome) {
      if (!strict || outcome.error().message.empty()) std::abort();
      continue;
    }
    uint32_t next = 0;
    for (const uint32_t i : outcome->selected) {
      if (i < next || i >= std::size(kCandidates)) std::abort();
      next = i + 1;
      const wc::FunctionSpec* spec = wc::find_function(kCandidates[i].name);
      if (spec != nullptr && spec->wrap == wc::Wrap::Never) std::abort();
    }
  }
  return 0;
}
