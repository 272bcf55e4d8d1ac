// The ELF files that a running process has mapped, as its breakpoints are looked for in them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "breakpoints/break_plan.h"
#include "objects/library_watch.h"

namespace wc {

// The program first. Files that cannot be opened have no open_path.
std::vector<ObjectFile> mapped_objects(pid_t pid);

// One that ld.so has mapped. It may have been replaced on disk meanwhile, as by an upgrade: then it
// is read through the process, or has no open_path.
ObjectFile object_file(pid_t pid, const MappedObject& object);

}  // namespace wc
