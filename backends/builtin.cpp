#include "builtin.h"

#include <array>

namespace wc::backends {

namespace {
constexpr std::array<std::string_view, 7> kNames = {"text",   "json", "summary", "folded",
                                                    "policy", "raw",  "none"};
}

const wc_backend* find_builtin(std::string_view name) {
  for (const wc_backend* backend :
       {text_backend(), json_backend(), summary_backend(), folded_backend(), policy_backend(),
        raw_backend(), flight_backend(), none_backend()}) {
    if (name == backend->name) return backend;
  }
  return nullptr;
}

std::span<const std::string_view> builtin_names() { return kNames; }

}  // namespace wc::backends
