// The socket of --control. A thread of its own reads requests, one a line, has the host carry them
// out and sends each answer. A client that floods or hangs keeps itself waiting only: of each, one
// request at a time is with the host.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc {

class ControlHost {
 public:
  virtual ~ControlHost() = default;
  // From the server's thread. `reply` may be called later and on another thread, once.
  virtual void on_request(const std::string& line, std::function<void(std::string)> reply) = 0;
};

class ControlServer {
 public:
  // `path` must not exist. The socket is made with mode 0600; peers of other users are refused.
  static Result<std::unique_ptr<ControlServer>> listen(const std::string& path, ControlHost& host);
  ~ControlServer();  // stops the thread, closes connections, removes the socket

 private:
  struct Client;
  // Answers that other threads have ready; outlives the server, for the host may answer late.
  struct Answers {
    std::mutex mutex;
    ScopedFd wake;
    std::vector<std::pair<uint64_t, std::string>> ready;  // by client
    void add(uint64_t client, std::string text);
  };
  ControlServer(std::string path, ScopedFd listener, std::shared_ptr<Answers> answers,
                ControlHost& host);
  void run();
  void accept_one();
  bool send_answers();  // false: the server is to end
  void serve(uint64_t id, Client& client);

  std::string path_;
  ScopedFd listener_;
  std::shared_ptr<Answers> answers_;
  ControlHost& host_;
  std::map<uint64_t, Client> clients_;
  uint64_t next_client_ = 1;
  std::thread thread_;
};

}  // namespace wc
