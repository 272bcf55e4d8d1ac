// libwc_preload.so, where it was built or installed.
#pragma once

#include <string>

#include "base/result.h"

namespace wc {

inline constexpr const char* kShimName = "libwc_preload.so";

// Its path, without symbolic links.
Result<std::string> find_shim();
// Whether programs can be given it from there. A debugger that reads a core dump later finds it
// there, too; else the run's folder has a copy for as long as the run takes.
bool can_be_preloaded(const std::string& path);
Result<std::string> read_whole_file(const std::string& path);

}  // namespace wc
