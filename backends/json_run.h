// The first line of backend "json": what was run, where, and how to turn time stamps into dates.
#pragma once

#include "json_writer.h"
#include "wc_backend.h"

namespace wc::backends {

void write_run(JsonWriter& json, const wc_host& host);

}  // namespace wc::backends
