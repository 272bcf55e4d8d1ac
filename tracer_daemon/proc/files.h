// The files of a process in /proc. Source: proc(5).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wc::proc {

// "/proc/PID/name"; a path behind "root" is the file as that process sees it.
std::string path_of(pid_t pid, std::string_view name);

// The whole of a file, at most `limit` bytes of it. Errors: ENOENT and ESRCH both become ESRCH, for
// the process is gone; EACCES and EPERM where it may not be examined.
Result<std::string> read_file(const std::string& path, size_t limit);
// The same from a descriptor that was opened before, from its beginning.
Result<std::string> read_descriptor(int fd, size_t limit);

// Empty where there is no such link, or it may not be read.
std::string link_target(const std::string& path);

// What the kernel shows of the address space by way of one thread is empty once that thread has
// ended, the leader's too. Asks the leader, then the other threads, until `read` finds something.
Result<std::string> read_of_any_thread(pid_t pid,
                                       const std::function<Result<std::string>(pid_t tid)>& read);

}  // namespace wc::proc
