#include "session/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

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
