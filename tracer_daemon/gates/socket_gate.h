// Gate `socket`: shims ask by messages, and the tracer answers in the slot.
#pragma once

#include <unordered_map>

#include "base/scoped_fd.h"
#include "kernel/stops.h"
#include "protocol/wire.h"
#include "tracee/tracees.h"

namespace wc {

class SocketGate {
 public:
  SocketGate(const Tracees& tracees, Kernel& kernel) : tracees_(tracees), kernel_(kernel) {}

  // Before the first stop is looked for: a shim's connection may come at any time from then on.
  void open();
  void add(pid_t pid, ScopedFd connection);
  // Serves what has come within that time; also ended by a child's stop.
  void poll(int timeout_ms);
  // The shims learn that there is no tracer any more.
  void close() { connections_.clear(); }

 private:
  static void read_child_signals(int descriptor);
  void serve(int descriptor);
  void on_message(pid_t pid, const wc_scope_message& message);
  [[nodiscard]] Thread* thread_of_slot(const Process& process, uint32_t slot) const;

  const Tracees& tracees_;
  Kernel& kernel_;
  ScopedFd poll_;  // epoll over SIGCHLD and the shims' connections
  ScopedFd child_signal_;
  std::unordered_map<int, std::pair<pid_t, ScopedFd>> connections_;
};

}  // namespace wc
