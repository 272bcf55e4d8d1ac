// The backends that are part of the tracer, by name.
#pragma once

#include <span>
#include <string_view>

#include "wc_backend.h"

namespace wc::backends {

const wc_backend* text_backend();
const wc_backend* json_backend();
const wc_backend* summary_backend();
const wc_backend* folded_backend();
const wc_backend* policy_backend();
const wc_backend* ledger_backend();
// These four are, in a build without their library, ones that say so when they are opened.
const wc_backend* lua_backend();
const wc_backend* otlp_backend();
const wc_backend* sqlite_backend();
const wc_backend* perfetto_backend();
const wc_backend* speedscope_backend();
const wc_backend* html_backend();
const wc_backend* raw_backend();
const wc_backend* flight_backend();  // --flight
const wc_backend* none_backend();

// nullptr when there is none of that name.
const wc_backend* find_builtin(std::string_view name);

// In the order in which help texts list them.
std::span<const std::string_view> builtin_names();

}  // namespace wc::backends
