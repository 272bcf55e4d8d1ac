// What `subscribe` asks for: docs/control.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc {

struct SubscribeRequest {
  uint64_t interval_ns = 1'000'000'000;
  std::vector<std::string> by{"function"};  // as of `summary:by=`
  uint64_t top = 100;                       // rows of each
  uint64_t recent = 0;                      // system calls
  std::string function;                     // whose those are; empty: everybody's
};

// Errors say which word is wrong and what may stand there.
Result<SubscribeRequest> parse_subscribe(std::string_view words);

}  // namespace wc
