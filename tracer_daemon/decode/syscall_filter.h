// The -e language: which syscalls are reported.
#pragma once

#include <bitset>
#include <string_view>

#include "base/result.h"

namespace wc {

using SyscallSet = std::bitset<1024>;

// "open,openat", "%file", "%net", "trace=...", "!futex", "all", "none". Unknown names are errors
// that offer the nearest name. Numbers are accepted.
Result<SyscallSet> parse_syscall_filter(std::string_view list);

}  // namespace wc
