// Listens on the run's Unix socket, checks who connects, shakes hands. One
// thread of its own, so that a handshake never waits for the tracer thread,
// which spends its time in waitpid. docs/protocol.md is the specification.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "protocol/wire.h"
#include "rings/process_share.h"
#include "session/unix_socket.h"

namespace wc {

// What the server asks of the tracer; called from the server's thread.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  struct Answer {
    std::shared_ptr<ProcessShare> share;  // what was asked for
    std::string refusal;                  // empty: none
  };
  // `pid` is the peer as the kernel names it (SO_PEERCRED). `reply` may be called later and on
  // another thread; an Answer without share and refusal is a welcome that brings no memory.
  virtual void on_hello(int32_t pid, const wc_hello& hello, std::function<void(Answer)> reply) = 0;
  // Socket gate: the connection stays and belongs to the host from now on.
  virtual void on_gate_connection(int32_t pid, ScopedFd connection) = 0;
  // wc-preload --connect: trace `pid` from its next exec on. `done` holds an error, or "".
  virtual void on_attach(int32_t pid, std::function<void(const std::string& error)> done) = 0;
};

class Server {
 public:
  // `path` must not exist. The socket is made with mode 0600.
  // `take_control`: where wc-ctl comes to this socket, called from the server's thread with the
  // stream socket that it handed over, and who it is. Empty: nobody may.
  using TakeControl = std::function<void(Peer)>;
  static Result<std::unique_ptr<Server>> listen(const std::string& path, SessionHost& host,
                                                TakeControl take_control = {});
  ~Server();  // stops the thread, closes connections, removes the socket

 private:
  Server(std::string path, ScopedFd listener, ScopedFd wake, SessionHost& host,
         TakeControl take_control);
  void run();
  struct Connections;
  void accept_one(Connections& connections);
  // False when the connection is finished with.
  bool serve(Peer& peer);
  void answer_hello(ScopedFd connection, int32_t pid, const wc_hello& hello);

  std::string path_;
  ScopedFd listener_;
  ScopedFd wake_;
  SessionHost& host_;
  TakeControl take_control_;
  std::thread thread_;
};

// Client's side of --connect: asks the tracer at `path` to trace this process from its next exec.
Status request_attach(const std::string& path);

}  // namespace wc
