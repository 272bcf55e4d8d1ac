// The rows of wc-preload itself: scoped under each engine and gate, and full-process.
#pragma once

#include "compare/request.h"

namespace wc::compare {

// `folder`: where their traces go.
std::vector<Entry> own_entries(const Request& request, const std::string& folder);

}  // namespace wc::compare
