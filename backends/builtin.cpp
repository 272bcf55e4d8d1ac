#include "builtin.h"

#include <array>

namespace wc::backends {

namespace {
constexpr auto kNames = std::to_array<std::string_view>(
    {"text", "json", "summary", "folded", "policy", "ledger", "sqlite", "perfetto", "speedscope",
     "html", "otlp", "lua", "raw", "none"});
}

const wc_backend* find_builtin(std::string_view name) {
  for (const auto backend :
       {text_backend, json_backend, summary_backend, folded_backend, policy_backend, ledger_backend,
        sqlite_backend, perfetto_backend, speedscope_backend, html_backend, otlp_backend,
        lua_backend, raw_backend, flight_backend, none_backend}) {
    if (name == backend()->name) return backend();
  }
  return nullptr;
}

std::span<const std::string_view> builtin_names() { return kNames; }

}  // namespace wc::backends
