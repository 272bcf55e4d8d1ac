// The file behind a mapping of a process, where it can still be opened.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "proc/maps.h"

namespace wc {

struct MappedFile {
  std::string path;
  struct stat status = {};
};

// Where the file behind a mapping can be opened: under its name, under its name as the process
// sees it (it may live in a container), or, when it was deleted, through the process, which takes
// CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. The inode tells whether it is still that file. An empty
// path when there is none.
MappedFile file_of(int32_t pid, const proc::Mapping& mapping);

// Another text for contents that changed.
std::string identity_of(const std::string& name, const struct stat& status);

// The path without what the kernel says of a deleted file.
std::string path_before_deletion(const std::string& path);

}  // namespace wc
