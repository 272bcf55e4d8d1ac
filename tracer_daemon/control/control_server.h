// The socket of --control, and who comes by that of `serve`. A thread of its own reads requests,
// one a line, has the host carry them out and sends each answer, and what a client has subscribed
// to. A client that floods or hangs keeps itself waiting only: of each, one request at a time is
// with the host, and what it does not read keeps it from the next one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "session/unix_socket.h"

namespace wc {

// Who has sent a request. May be called on any thread, and outlives the connection.
class ControlPeer {
 public:
  virtual ~ControlPeer() = default;
  enum class Then { AnotherRequest, FurtherLines };
  // Once. FurtherLines: send() will be called, also where the peer has no more to say itself.
  virtual void answer(std::string line, Then then = Then::AnotherRequest) = 0;
  // Busy: it has not read the line before this one, and does not get this one. Gone: it never will.
  enum class Sent { Yes, Busy, Gone };
  virtual Sent send(std::string line) = 0;
  // The same for all requests of one connection.
  [[nodiscard]] virtual uint64_t connection() const = 0;
};

class ControlHost {
 public:
  virtual ~ControlHost() = default;
  // From the server's thread.
  virtual void on_request(const std::string& line, std::shared_ptr<ControlPeer> peer) = 0;
};

class ControlServer {
 public:
  // `path` must not exist. The socket is made with mode 0600; peers of other users are refused.
  static Result<std::unique_ptr<ControlServer>> listen(const std::string& path, ControlHost& host);
  // One without a socket of its own, whose clients are handed over.
  static Result<std::unique_ptr<ControlServer>> without_socket(ControlHost& host);
  // A client whose stream socket came in another way; `client` says whose it is. From any thread.
  void adopt(Peer client);
  ~ControlServer();  // stops the thread, closes connections, removes the socket

 private:
  struct Client;
  struct Answers;
  class Requester;
  static Result<std::unique_ptr<ControlServer>> make(const std::string& path, ScopedFd listener,
                                                     ControlHost& host);
  ControlServer(std::string path, ScopedFd listener, std::shared_ptr<Answers> answers,
                ControlHost& host);
  void run();
  void accept_one();
  void welcome(Peer client);
  bool send_answers();  // false: the server is to end
  void serve(uint64_t id, Client& client);
  void send_more(uint64_t id, Client& client);
  void send_rest();
  void drop_gone();

  std::string path_;
  ScopedFd listener_;
  std::shared_ptr<Answers> answers_;
  ControlHost& host_;
  std::map<uint64_t, Client> clients_;
  uint64_t next_client_ = 1;
  std::thread thread_;
};

}  // namespace wc
