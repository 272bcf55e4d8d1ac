#include "control/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/control_socket.h"
#include "session/unix_socket.h"

namespace wc {
namespace {

constexpr size_t kMaxClients = 64;
constexpr uint64_t kNobody = 0;  // in the list of answers: the server is to end

}  // namespace

struct ControlServer::Client {
  ScopedFd fd;
  LineBuffer buffer;
  std::string unsent;
  bool waits = false;       // the host has a request of its
  bool subscribes = false;  // further lines will come
  bool is_over = false;     // it sends no more
  bool is_gone = false;     // it reads no more

  [[nodiscard]] bool has_done() const {
    return is_gone || (is_over && !waits && !subscribes && unsent.empty());
  }
  // One that waits for an answer, or does not read it, is not listened to meanwhile.
  [[nodiscard]] pollfd poll_for() const {
    const bool listens = !waits && !is_over && unsent.empty();
    const int events = (listens ? POLLIN : 0) | (unsent.empty() ? 0 : POLLOUT);
    // Without a word from it there is no end that would have to be seen.
    return {events != 0 || subscribes ? fd.get() : -1, static_cast<short>(events), 0};
  }
};

// What other threads have for clients; outlives the server, for the host may answer late.
struct ControlServer::Answers {
  struct Line {
    uint64_t client;
    std::string text;
    bool is_answer, subscribes;
  };
  std::mutex mutex;
  ScopedFd wake;
  std::vector<Line> ready;
  std::vector<Peer> adopted;         // that are no clients yet
  std::set<uint64_t> present, busy;  // clients

  void add(Line line) {
    std::lock_guard lock(mutex);
    ready.push_back(std::move(line));
    nudge();
  }
  void adopt(Peer client) {
    std::lock_guard lock(mutex);
    adopted.push_back(std::move(client));
    nudge();
  }
  ControlPeer::Sent add_if_idle(Line line) {
    std::lock_guard lock(mutex);
    if (!present.contains(line.client)) return ControlPeer::Sent::Gone;
    if (!busy.insert(line.client).second) return ControlPeer::Sent::Busy;
    ready.push_back(std::move(line));
    nudge();
    return ControlPeer::Sent::Yes;
  }

 private:
  void nudge() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake.get(), &one, sizeof one);  // only ever full
  }
};

class ControlServer::Requester final : public ControlPeer {
 public:
  Requester(std::shared_ptr<Answers> answers, uint64_t id)
      : answers_(std::move(answers)), id_(id) {}
  void answer(std::string line, Then then) override {
    answers_->add({id_, std::move(line), true, then == Then::FurtherLines});
  }
  Sent send(std::string line) override {
    return answers_->add_if_idle({id_, std::move(line), false, true});
  }
  [[nodiscard]] uint64_t connection() const override { return id_; }

 private:
  std::shared_ptr<Answers> answers_;
  uint64_t id_;
};

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
  return make(path, std::move(*listener), host);
}

Result<std::unique_ptr<ControlServer>> ControlServer::without_socket(ControlHost& host) {
  return make({}, ScopedFd(), host);
}

Result<std::unique_ptr<ControlServer>> ControlServer::make(const std::string& path,
                                                           ScopedFd listener, ControlHost& host) {
  auto answers = std::make_shared<Answers>();
  answers->wake = ScopedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!answers->wake.valid()) return Error::from_errno("cannot create an eventfd", errno);
  return std::unique_ptr<ControlServer>(
      new ControlServer(path, std::move(listener), std::move(answers), host));
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
  answers_->add({kNobody, {}, false, false});
  thread_.join();
  {
    std::lock_guard lock(answers_->mutex);
    answers_->present.clear();
  }
  if (!path_.empty()) unlink(path_.c_str());
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
      polled.push_back(client.poll_for());
      ids.push_back(id);
    }
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0 && !send_answers()) return send_rest();
    for (size_t i = 0; i < ids.size(); i++) {
      const short seen = polled[i + 2].revents;
      Client& client = clients_.at(ids[i]);
      if ((seen & (POLLHUP | POLLERR)) != 0 && client.subscribes) client.is_gone = true;
      if ((seen & ~POLLIN) != 0) send_more(ids[i], client);
      if (seen != 0) serve(ids[i], client);
    }
    if (polled[1].revents != 0) accept_one();
    drop_gone();
  }
}

void ControlServer::drop_gone() {
  std::lock_guard lock(answers_->mutex);
  for (auto one = clients_.begin(); one != clients_.end();) {
    if (!one->second.has_done()) {
      ++one;
      continue;
    }
    answers_->present.erase(one->first);
    answers_->busy.erase(one->first);
    one = clients_.erase(one);
  }
}

void ControlServer::accept_one() {
  if (auto peer = accept_peer(listener_, SOCK_CLOEXEC)) welcome(std::move(*peer));
}

void ControlServer::welcome(Peer client) {
  const int fd = client.connection.get();
  if (client.uid != 0 && client.uid != geteuid()) {
    send_line(fd, R"({"ok":false,"error":"this tracer belongs to another user"})", 0);
    return;
  }
  std::lock_guard lock(answers_->mutex);
  answers_->present.insert(next_client_);
  clients_[next_client_++].fd = std::move(client.connection);
}

void ControlServer::adopt(Peer client) { answers_->adopt(std::move(client)); }

// At the end: to those that read. One that has not read anything for a moment is not waited for.
void ControlServer::send_rest() {
  constexpr int kPatience = 1000;  // milliseconds
  for (;;) {
    std::vector<pollfd> polled;
    std::vector<uint64_t> ids;
    for (const auto& [id, client] : clients_) {
      if (client.unsent.empty() || client.is_gone) continue;
      polled.push_back({client.fd.get(), POLLOUT, 0});
      ids.push_back(id);
    }
    if (polled.empty() || poll(polled.data(), polled.size(), kPatience) <= 0) return;
    for (size_t i = 0; i < ids.size(); i++)
      if (polled[i].revents != 0) send_more(ids[i], clients_.at(ids[i]));
  }
}

bool ControlServer::send_answers() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(answers_->wake.get(), &count, sizeof count);
  std::vector<Answers::Line> ready;
  std::vector<Peer> adopted;
  {
    std::lock_guard lock(answers_->mutex);
    ready.swap(answers_->ready);
    adopted.swap(answers_->adopted);
  }
  for (Peer& client : adopted) {
    if (clients_.size() < kMaxClients)
      welcome(std::move(client));
    else
      send_line(
          client.connection.get(),
          R"({"ok":false,"error":")" + std::to_string(kMaxClients) + R"( others are connected"})",
          0);
  }
  bool continues = true;
  for (Answers::Line& line : ready) {
    if (line.client == kNobody) continues = false;
    auto found = clients_.find(line.client);
    if (found == clients_.end()) continue;
    Client& client = found->second;
    if (line.is_answer) client.waits = false;
    client.subscribes |= line.subscribes;
    client.unsent += line.text;
    client.unsent += '\n';
    send_more(line.client, client);
    if (continues) serve(line.client, client);  // it may have sent the next one already
  }
  return continues;
}

void ControlServer::send_more(uint64_t id, Client& client) {
  while (!client.unsent.empty()) {
    const ssize_t sent = send(client.fd.get(), client.unsent.data(), client.unsent.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    client.is_gone = sent < 0;
    client.unsent.erase(0, sent < 0 ? std::string::npos : static_cast<size_t>(sent));
  }
  std::lock_guard lock(answers_->mutex);
  answers_->busy.erase(id);
}

void ControlServer::serve(uint64_t id, Client& client) {
  if (client.waits || client.is_gone || !client.unsent.empty()) return;
  auto line = client.buffer.take_line();
  while (!line && !client.is_over) {
    const LineBuffer::Input input = client.buffer.read_from(client.fd.get());
    if (input == LineBuffer::Input::Nothing) return;
    client.is_over = input == LineBuffer::Input::End;
    line = client.buffer.take_line();
  }
  if (!line) return;
  client.waits = true;
  host_.on_request(*line, std::make_shared<Requester>(answers_, id));
}

}  // namespace wc
