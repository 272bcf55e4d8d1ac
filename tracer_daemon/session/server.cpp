#include "session/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "session/unix_socket.h"

namespace wc {
namespace {

// A connection speaks once and is done; more than this many waiting ones come from a flood.
constexpr size_t kMaxConnections = 256;

void refuse(int fd, const std::string& why) {
  wc_refuse message{};
  message.head = wc_message_head(WC_REFUSE);
  why.copy(message.text, sizeof message.text - 1);
  send_packet(fd, &message, sizeof message);
}

}  // namespace

struct Server::Connections {
  std::vector<Peer> list;
};

Result<std::unique_ptr<Server>> Server::listen(const std::string& path, SessionHost& host,
                                               TakeControl take_control) {
  auto listener = listen_at(path, SOCK_SEQPACKET, 1024);
  if (!listener) return listener.error();
  ScopedFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return Error::from_errno("cannot create an eventfd", errno);
  return std::unique_ptr<Server>(
      new Server(path, std::move(*listener), std::move(wake), host, std::move(take_control)));
}

Server::Server(std::string path, ScopedFd listener, ScopedFd wake, SessionHost& host,
               TakeControl take_control)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      host_(host),
      take_control_(std::move(take_control)) {
  thread_ = start_without_signals([this] { run(); });
}

Server::~Server() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = write(wake_.get(), &one, sizeof one);
  thread_.join();
  unlink(path_.c_str());
}

void Server::run() {
  prctl(PR_SET_NAME, "wc-session");
  Connections connections;
  std::vector<pollfd> polled;
  for (;;) {
    polled.assign({{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}});
    for (const auto& c : connections.list) polled.push_back({c.connection.get(), POLLIN, 0});
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if (polled[0].revents) return;
    for (size_t i = connections.list.size(); i-- > 0;)
      if (polled[i + 2].revents && !serve(connections.list[i]))
        connections.list.erase(connections.list.begin() + static_cast<ptrdiff_t>(i));
    if (polled[1].revents) accept_one(connections);
  }
}

void Server::accept_one(Connections& connections) {
  auto peer = accept_peer(listener_, SOCK_CLOEXEC);
  if (!peer) return;
  if (geteuid() != 0 && peer->uid != geteuid())
    return refuse(peer->connection.get(), "this tracer belongs to another user");
  // The longest-waiting connection makes room: a shim speaks at once.
  if (connections.list.size() >= kMaxConnections) connections.list.erase(connections.list.begin());
  connections.list.push_back(std::move(*peer));
}

bool Server::serve(Peer& peer) {
  alignas(8) unsigned char buffer[WC_MAX_MESSAGE];
  ScopedFd& connection = peer.connection;
  Packet packet = receive_packet(connection.get(), buffer, sizeof buffer);
  const ssize_t n = packet.size;
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  const wc_message* message = nullptr;
  // A packet longer than the buffer was cut: its size cannot be right.
  auto verdict = static_cast<size_t>(n) > sizeof buffer
                     ? WC_PARSE_SIZE
                     : wc_parse(buffer, static_cast<size_t>(n), &message);
  if (verdict == WC_PARSE_VERSION) {
    refuse(connection.get(),
           "protocol version not spoken: wc-tracerd and libwc_preload.so are of "
           "different releases");
    return false;
  }
  if (verdict != WC_PARSE_OK) return false;
  if (message->type == WC_CONTROL && packet.passed.valid() && take_control_)
    take_control_({std::move(packet.passed), peer.pid, peer.uid});
  if (message->type == WC_HELLO)
    answer_hello(std::move(connection), peer.pid, *reinterpret_cast<const wc_hello*>(message));
  if (message->type == WC_ATTACH) {
    auto shared = std::make_shared<ScopedFd>(std::move(connection));
    host_.on_attach(peer.pid, [shared](const std::string& error) {
      wc_message done = wc_message_head(WC_ATTACHED);
      if (error.empty())
        send_packet(shared->get(), &done, sizeof done);
      else
        refuse(shared->get(), error);
    });
  }
  return false;
}

void Server::answer_hello(ScopedFd connection, int32_t pid, const wc_hello& hello) {
  auto shared = std::make_shared<ScopedFd>(std::move(connection));
  bool is_gate = (hello.flags & WC_HELLO_GATE) != 0;
  host_.on_hello(pid, hello, [&host = host_, shared, pid, is_gate](const auto& answer) {
    if (!answer.refusal.empty()) return refuse(shared->get(), answer.refusal);
    wc_welcome welcome{};
    welcome.head = wc_message_head(WC_WELCOME);
    if (answer.share != nullptr)
      welcome.shared_size = ProcessShare::first_size_of(answer.share->layout());
    int memory = answer.share != nullptr ? answer.share->fd() : -1;
    if (send_packet(shared->get(), &welcome, sizeof welcome, memory) && is_gate)
      host.on_gate_connection(pid, std::move(*shared));
  });
}

namespace {

// A tracer that was started beside this process may not listen yet: it is given a second.
int connect_in_time(int fd, const sockaddr_un& address) {
  constexpr int kTries = 100;
  constexpr useconds_t kPause = 10'000;
  int code = 0;
  for (int tries = 0; tries < kTries; tries++) {
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
    code = errno;
    if (code != ENOENT && code != ECONNREFUSED) return code;
    usleep(kPause);
  }
  return code;
}

}  // namespace

Status request_attach(const std::string& path) {
  auto address = socket_address(path);
  if (!address) return address.error();
  ScopedFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Error::from_errno("cannot create a Unix socket", errno);
  if (int code = connect_in_time(fd.get(), *address); code != 0)
    return Error::from_errno("cannot reach a tracer at " + path +
                                 " (start one: wc-preload serve --control " + path + ")",
                             code);
  ucred peer{};
  socklen_t size = sizeof peer;
  // Under Yama only a parent may trace, or whom the tracee names.
  if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
    prctl(PR_SET_PTRACER, peer.pid, 0, 0, 0);
  wc_attach request{};
  request.head = wc_message_head(WC_ATTACH);
  request.pid = getpid();
  if (!send_packet(fd.get(), &request, sizeof request) && errno != EPIPE)
    return Error::from_errno("cannot send to the tracer at " + path, errno);
  alignas(8) unsigned char buffer[WC_MAX_MESSAGE];
  ssize_t n;
  // A refusal may have come before our request was read: ECONNRESET is told first, once.
  do n = recv(fd.get(), buffer, sizeof buffer, 0);
  while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  const wc_message* message = nullptr;
  if (n <= 0 || wc_parse(buffer, static_cast<size_t>(n), &message) != WC_PARSE_OK)
    return Error{"the tracer at " + path + " gave no answer", n < 0 ? errno : 0};
  if (message->type == WC_ATTACHED) return Done{};
  if (message->type != WC_REFUSE)
    return Error{"the tracer at " + path + " gave a strange answer", 0};
  const auto* refusal = reinterpret_cast<const wc_refuse*>(message);
  return Error{"the tracer at " + path + " refuses: " +
                   std::string(refusal->text, strnlen(refusal->text, sizeof refusal->text)),
               0};
}

}  // namespace wc
