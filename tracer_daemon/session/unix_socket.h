// What the tracer's two sockets have in common: the shims' (server.h) and wc-ctl's
// (control/control_server.h).
#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc {

Result<sockaddr_un> socket_address(const std::string& path);

// A socket of this type (SOCK_STREAM, SOCK_SEQPACKET) with mode 0600 that listens at `path`, which
// must not exist. Between bind(2) and listen(2) it is there and refuses who comes.
Result<ScopedFd> listen_at(const std::string& path, int type, int backlog);

// One packet, and a descriptor with it where `passed` is one. Does not wait.
bool send_packet(int fd, const void* bytes, size_t size, int passed = -1);

// One packet, cut to `size`, without waiting, and the first descriptor that came with it.
struct Packet {
  ssize_t size = 0;  // as recvmsg(2) returns it with MSG_TRUNC: of the whole packet
  ScopedFd passed;
};
Packet receive_packet(int fd, void* bytes, size_t size);

// wc-ctl's connection to the tracer whose --control is `path`, of a run or of `serve`: a stream
// socket. The error's code is connect(2)'s.
Result<ScopedFd> connect_control(const std::string& path);

struct Peer {
  ScopedFd connection;
  pid_t pid = 0;  // as the kernel names it (SO_PEERCRED)
  uid_t uid = 0;
};
// The next one; `flags` as for accept4(2). Nothing: it has gone, or there are no descriptors left,
// and a moment has passed.
std::optional<Peer> accept_peer(const ScopedFd& listener, int flags);

// A thread that takes no signals. They are the tracer thread's: one that this thread took would be
// lost to it.
std::thread start_without_signals(std::function<void()> run);

}  // namespace wc
