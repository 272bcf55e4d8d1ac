// -yy: what a socket of the traced process is connected to, in strace's form.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace wc {

// "TCP:[127.0.0.1:80->127.0.0.1:1234]", "UNIX-STREAM:[17->18,"/run/s"]"; "TCP:[17]" for one that
// has no address. `target`: what /proc/PID/fd/FD points to, "socket:[17]". `target` as it is where
// the socket cannot be asked.
std::string socket_name(pid_t pid, int fd, std::string_view target);

}  // namespace wc
