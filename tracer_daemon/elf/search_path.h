// The folders that ld.so(8) searches: lists with "$ORIGIN" and its kin, default folders, and the
// glibc-hwcaps subfolders for newer processors.
// Internal to tracer_daemon/elf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wc {

// Folders of a colon-separated list. `origin` is the folder of the object that the list is from.
// As in ld.so, an empty element is the current folder.
std::vector<std::string> split_search_path(std::string_view list, std::string_view origin);

// As above, for LD_LIBRARY_PATH, where semicolons separate as well.
std::vector<std::string> split_environment_path(std::string_view list, std::string_view origin);

// One name with $ORIGIN, $LIB and $PLATFORM (also in braces) replaced.
std::string expand_tokens(std::string_view text, std::string_view origin);

// The folders searched last, in order.
const std::vector<std::string>& default_folders();

// "x86-64-v3" -> 3; 0 for a name that is no level.
int hwcaps_level(std::string_view name);
// The highest x86-64 level of this processor, 1 to 4.
int processor_level();

}  // namespace wc
