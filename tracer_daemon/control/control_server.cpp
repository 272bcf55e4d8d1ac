#include "control/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "control/control_socket.h"

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

// A socket that refuses nobody any more: between bind(2) and listen(2) it would. So it gets its
// name when it is ready. `path` must not exist.
Result<ScopedFd> listen_at(const std::string& path) {
  auto final_address = control_address(path);
  if (!final_address) return final_address.error();
  auto address = control_address(path + "~");
  const bool has_room = address.ok();
  if (!has_room) address = final_address;
  ScopedFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return Error::from_errno("cannot create a Unix socket", errno);
  const mode_t mask = umask(0177);
  const int bound =
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  int code = bound == 0 ? 0 : errno;
  umask(mask);
  if (code == 0 && ::listen(listener.get(), static_cast<int>(kMaxClients)) != 0) code = errno;
  if (has_room && bound == 0) {
    if (code == 0 && link(address->sun_path, path.c_str()) != 0) code = errno;
    unlink(address->sun_path);
  }
  const bool is_taken = code == EADDRINUSE || code == EEXIST;
  if (code != 0)
    return Error::from_errno("cannot create socket " + path +
                                 (is_taken ? " (another tracer's, or left over: remove it)" : ""),
                             code);
  return listener;
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path,
                                                             ControlHost& host) {
  auto listener = listen_at(path);
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
  // Signals are the tracer thread's: one that this thread took would be lost to it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
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
  ScopedFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) {
    // Out of descriptors: the listener stays readable, and asking again at once would spin.
    constexpr useconds_t kBreath = 10'000;
    if (errno == EMFILE || errno == ENFILE) usleep(kBreath);
    return;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  if (peer.uid != 0 && peer.uid != geteuid()) {
    send_line(fd.get(), R"({"ok":false,"error":"this tracer belongs to another user"})", 0);
    return;
  }
  clients_[next_client_++].fd = std::move(fd);
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
