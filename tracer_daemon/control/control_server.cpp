#include "control/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "control/control_socket.h"
#include "session/unix_socket.h"

namespace wc {
namespace {

constexpr size_t kMaxClients = 64;
constexpr int kSendPatience = 100;  // milliseconds for a client to take its answer
constexpr uint64_t kNobody = 0;     // in the list of answers: the server is to end

}  // namespace

struct ControlServer::Client {
  ScopedFd fd;
  LineBuffer buffer;
  bool waits = false;    // the host has a request of its
  bool is_over = false;  // it sends no more
};

void ControlServer::Answers::add(uint64_t client, std::string text) {
  std::lock_guard lock(mutex);
  ready.emplace_back(client, std::move(text));
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake.get(), &one, sizeof one);  // only ever full
}

namespace {

// Who waits for the path to exist must not be refused: the socket gets its name when it listens.
// Where it cannot be linked, or `path` is taken, what follows says so.
Result<ScopedFd> listen_and_name(const std::string& path) {
  constexpr int kBacklog = kMaxClients;
  if (const std::string other = path + "~"; socket_address(other).ok()) {
    auto listener = listen_at(other, SOCK_STREAM, kBacklog);
    if (!listener) return listener;
    const bool is_named = link(other.c_str(), path.c_str()) == 0;
    unlink(other.c_str());
    if (is_named) return listener;
  }
  return listen_at(path, SOCK_STREAM, kBacklog);
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path,
                                                             ControlHost& host) {
  auto listener = listen_and_name(path);
  if (!listener) return listener.error();
  auto answers = std::make_shared<Answers>();
  answers->wake = ScopedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!answers->wake.valid()) return Error::from_errno("cannot create an eventfd", errno);
  return std::unique_ptr<ControlServer>(
      new ControlServer(path, std::move(*listener), std::move(answers), host));
}

ControlServer::ControlServer(std::string path, ScopedFd listener, std::shared_ptr<Answers> answers,
                             ControlHost& host)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      answers_(std::move(answers)),
      host_(host) {
  thread_ = start_without_signals([this] { run(); });
}

ControlServer::~ControlServer() {
  answers_->add(kNobody, {});
  thread_.join();
  unlink(path_.c_str());
}

void ControlServer::run() {
  prctl(PR_SET_NAME, "wc-control");
  std::vector<pollfd> polled;
  std::vector<uint64_t> ids;
  for (;;) {
    const bool has_room = clients_.size() < kMaxClients;
    polled.assign(
        {{answers_->wake.get(), POLLIN, 0}, {has_room ? listener_.get() : -1, POLLIN, 0}});
    ids.clear();
    for (const auto& [id, client] : clients_) {
      // One that waits for an answer is not listened to meanwhile.
      polled.push_back({client.waits ? -1 : client.fd.get(), POLLIN, 0});
      ids.push_back(id);
    }
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0 && !send_answers()) return;
    for (size_t i = 0; i < ids.size(); i++)
      if (polled[i + 2].revents != 0)
        if (auto found = clients_.find(ids[i]); found != clients_.end())
          serve(ids[i], found->second);
    if (polled[1].revents != 0) accept_one();
    std::erase_if(clients_,
                  [](const auto& one) { return one.second.is_over && !one.second.waits; });
  }
}

void ControlServer::accept_one() {
  auto peer = accept_peer(listener_, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (!peer) return;
  const int fd = peer->connection.get();
  if (peer->uid != 0 && peer->uid != geteuid()) {
    send_line(fd, R"({"ok":false,"error":"this tracer belongs to another user"})", 0);
    return;
  }
  clients_[next_client_++].fd = std::move(peer->connection);
}

bool ControlServer::send_answers() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(answers_->wake.get(), &count, sizeof count);
  std::vector<std::pair<uint64_t, std::string>> ready;
  {
    std::lock_guard lock(answers_->mutex);
    ready.swap(answers_->ready);
  }
  bool continues = true;
  for (auto& [id, text] : ready) {
    if (id == kNobody) continues = false;
    auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    Client& client = found->second;
    client.waits = false;
    if (!send_line(client.fd.get(), std::move(text), kSendPatience)) {
      client.is_over = true;
      continue;
    }
    if (continues) serve(id, client);  // it may have sent the next one already
  }
  return continues;
}

void ControlServer::serve(uint64_t id, Client& client) {
  auto line = client.buffer.take_line();
  while (!line && !client.is_over) {
    const LineBuffer::Input input = client.buffer.read_from(client.fd.get());
    if (input == LineBuffer::Input::Nothing) return;
    client.is_over = input == LineBuffer::Input::End;
    line = client.buffer.take_line();
  }
  if (!line) return;
  client.waits = true;
  host_.on_request(
      *line, [answers = answers_, id](std::string answer) { answers->add(id, std::move(answer)); });
}

}  // namespace wc
