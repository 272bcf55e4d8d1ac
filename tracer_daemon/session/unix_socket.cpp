#include "session/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "protocol/wire.h"

namespace wc {

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{"socket path is too long (" + std::to_string(path.size()) + " bytes, at most " +
                     std::to_string(sizeof address.sun_path - 1) + "): " + path,
                 ENAMETOOLONG};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

Result<ScopedFd> listen_at(const std::string& path, int type, int backlog) {
  auto address = socket_address(path);
  if (!address) return address.error();
  ScopedFd listener(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return Error::from_errno("cannot create a Unix socket", errno);
  const mode_t mask = umask(0177);
  const int bound =
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int code = errno;
  umask(mask);
  if (bound != 0)
    return Error::from_errno(
        "cannot create socket " + path +
            (code == EADDRINUSE ? " (another tracer's, or left over: remove it)" : ""),
        code);
  if (listen(listener.get(), backlog) != 0)
    return Error::from_errno("cannot listen on " + path, errno);
  return listener;
}

bool send_packet(int fd, const void* bytes, size_t size, int passed) {
  iovec vector{const_cast<void*>(bytes), size};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (passed >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &passed, sizeof passed);
  }
  return sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(size);
}

Packet receive_packet(int fd, void* bytes, size_t size) {
  iovec vector{bytes, size};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  // The kernel closes what has no room here, but alignment makes room for a second one.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  Packet packet;
  packet.size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
  if (packet.size < 0) return packet;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
      int one = -1;
      std::memcpy(&one, CMSG_DATA(c) + at, sizeof one);
      ScopedFd passed(one);
      if (!packet.passed.valid()) packet.passed = std::move(passed);
    }
  }
  return packet;
}

namespace {

// The socket of `serve` takes packets. It is sent one end of a stream.
Result<ScopedFd> connect_through(const sockaddr_un& address) {
  const std::string failed = "cannot hand a socket to the tracer";
  ScopedFd packets(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!packets.valid()) return Error::from_errno("cannot create a Unix socket", errno);
  if (connect(packets.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Error::from_errno(failed, errno);
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno(failed, errno);
  ScopedFd mine(ends[0]), other(ends[1]);
  const wc_message request = wc_message_head(WC_CONTROL);
  if (!send_packet(packets.get(), &request, sizeof request, other.get()))
    return Error::from_errno(failed, errno);
  return mine;
}

}  // namespace

Result<ScopedFd> connect_control(const std::string& path) {
  auto address = socket_address(path);
  if (!address) return address.error();
  ScopedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Error::from_errno("cannot create a Unix socket", errno);
  // A tracer whose queue is full is not waited for for ever.
  const timeval patience{5, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0)
    return fd;
  if (errno == EPROTOTYPE) return connect_through(*address);
  return Error::from_errno("no tracer at " + path, errno);
}

std::optional<Peer> accept_peer(const ScopedFd& listener, int flags) {
  Peer peer{ScopedFd(accept4(listener.get(), nullptr, nullptr, flags))};
  if (!peer.connection.valid()) {
    // Out of descriptors: the listener stays readable, and asking again at once would spin.
    constexpr useconds_t kBreath = 10'000;
    if (errno == EMFILE || errno == ENFILE) usleep(kBreath);
    return std::nullopt;
  }
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(peer.connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return std::nullopt;
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  return peer;
}

std::thread start_without_signals(std::function<void()> run) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace wc
