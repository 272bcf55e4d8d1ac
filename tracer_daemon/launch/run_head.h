// What a raw file says of its run: what was traced, when, where, and with which options. A replay
// begins with it.
#pragma once

#include <string>
#include <string_view>

#include "backend_host/backend_instance.h"
#include "base/result.h"
#include "config/options.h"

namespace wc {

// `has_stacks`: somebody wants them, with or without -k.
std::string write_run_head(const Options& options, const HostOptions& host, bool has_stacks);

// Completes what is asked for by what was recorded. Errors: it is none, or what is asked for was
// not recorded.
Status apply_run_head(std::string_view head, Options& options, HostOptions& host);

}  // namespace wc
