// Separate debug files, found as gdb(1) does: by build-id below the debug folder, else by the name
// in .gnu_debuglink. A file that does not belong to the module (other build-id or checksum) is not
// taken.
// Internal to tracer_daemon/symbols.
#pragma once

#include <gelf.h>

#include <string>

#include "base/scoped_fd.h"

namespace wc {

struct DebugFile {
  ScopedFd fd;  // not valid when there is none
  std::string path;
};

// `module_path` is where the module lies, `debug_root` is usually /usr/lib/debug.
DebugFile find_debug_file(Elf* module, const std::string& module_path,
                          const std::string& debug_root);

}  // namespace wc
