// The other end of the session socket, well-behaved or not, and a host that records what it is
// asked.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "session/server.h"

namespace wc {

constexpr std::chrono::seconds kDeadline{20};

class FakeHost final : public SessionHost {
 public:
  using Done = std::function<void(const std::string&)>;

  void on_hello(int32_t pid, const wc_hello& hello, std::function<void(Answer)> reply) override {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      hellos_.push_back(hello);
      pids_.push_back(pid);
      answer = answer_;
    }
    reply(answer);
  }
  void on_gate_connection(int32_t pid, ScopedFd connection) override {
    const std::lock_guard lock(mutex_);
    gate_pid_ = pid;
    gate_ = std::move(connection);
    changed_.notify_all();
  }
  void on_attach(int32_t pid, Done done) override {
    const std::lock_guard lock(mutex_);
    pids_.push_back(pid);
    if (attach_answer_)
      done(*attach_answer_);
    else
      attach_ = std::move(done);
    changed_.notify_all();
  }

  void answer(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void welcome(wc_gate gate) {
    auto share = ProcessShare::create({gate, 0, 1});
    ASSERT_TRUE(share.ok());
    answer({std::shared_ptr<ProcessShare>(std::move(*share)), ""});
  }
  void answer_attach(std::optional<std::string> error) { attach_answer_ = std::move(error); }
  std::vector<wc_hello> hellos() {
    const std::lock_guard lock(mutex_);
    return hellos_;
  }
  std::vector<int32_t> pids() {
    const std::lock_guard lock(mutex_);
    return pids_;
  }
  // The connection that was handed over, once it is there.
  ScopedFd take_gate() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [this] { return gate_.valid(); });
    return std::move(gate_);
  }
  Done take_attach() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [this] { return attach_ != nullptr; });
    return std::exchange(attach_, nullptr);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Answer answer_{nullptr, "not today"};
  std::optional<std::string> attach_answer_ = "";
  std::vector<wc_hello> hellos_;
  std::vector<int32_t> pids_;
  int32_t gate_pid_ = 0;
  ScopedFd gate_;
  Done attach_;
};

struct Reply {
  ssize_t size = -1;  // 0: the other end closed; -1: nothing came
  alignas(8) unsigned char bytes[WC_MAX_MESSAGE] = {};
  ScopedFd passed;

  [[nodiscard]] const wc_message* message() const {
    const wc_message* m = nullptr;
    if (size > 0) (void)wc_parse(bytes, static_cast<size_t>(size), &m);
    return m;
  }
  [[nodiscard]] uint16_t type() const { return message() != nullptr ? message()->type : 0; }
  [[nodiscard]] std::string refusal() const {
    return type() == WC_REFUSE ? reinterpret_cast<const wc_refuse*>(bytes)->text : "";
  }
};

class Client {
 public:
  explicit Client(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    is_connected_ =
        connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool is_connected() const { return is_connected_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

  bool send(const void* bytes, size_t size) {
    return ::send(fd_.get(), bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
  }
  template <typename Message>
  bool send(const Message& message) {
    return send(&message, sizeof message);
  }

  Reply receive() {
    Reply reply;
    pollfd waiting{fd_.get(), POLLIN, 0};
    auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kDeadline).count();
    if (poll(&waiting, 1, static_cast<int>(patience)) != 1) return reply;
    iovec vector{reply.bytes, sizeof reply.bytes};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    reply.size = recvmsg(fd_.get(), &header, MSG_CMSG_CLOEXEC);
    if (reply.size < 0 && errno == ECONNRESET) reply.size = 0;
    const cmsghdr* c = reply.size > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
    if (c != nullptr && c->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c), sizeof fd);
      reply.passed = ScopedFd(fd);
    }
    return reply;
  }

 private:
  ScopedFd fd_;
  bool is_connected_ = false;
};

inline wc_hello make_hello() {
  wc_hello hello{};
  hello.head = wc_message_head(WC_HELLO);
  hello.oldest_version = WC_PROTOCOL_OLDEST;
  hello.flags = WC_HELLO_MEMORY;
  hello.stub_id = 77;
  return hello;
}

}  // namespace wc
