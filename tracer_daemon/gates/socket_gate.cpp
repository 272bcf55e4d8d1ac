#include "gates/socket_gate.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <utility>

#include "events/tick_clock.h"
#include "gates/bells.h"
#include "signals/signal_inbox.h"

namespace wc {

void SocketGate::open() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  poll_ = ScopedFd(epoll_create1(EPOLL_CLOEXEC));
  child_signal_ = ScopedFd(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = child_signal_.get();
  epoll_ctl(poll_.get(), EPOLL_CTL_ADD, child_signal_.get(), &event);
}

// Of children, of posted work, and SIGUSR1 from somebody else, who means the program.
void SocketGate::read_child_signals(int descriptor) {
  signalfd_siginfo one;
  while (read(descriptor, &one, sizeof one) > 0) {
    if (one.ssi_signo != SIGUSR1) continue;
    sigval value{};
    value.sival_ptr = reinterpret_cast<void*>(one.ssi_ptr);
    put_signal({static_cast<int>(one.ssi_signo), one.ssi_code, static_cast<pid_t>(one.ssi_pid),
                value, TickClock::now()});
  }
}

void SocketGate::add(pid_t pid, ScopedFd connection) {
  const int descriptor = connection.get();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(poll_.get(), EPOLL_CTL_ADD, descriptor, &event);
  connections_[descriptor] = {pid, std::move(connection)};
}

void SocketGate::poll(int timeout_ms) {
  constexpr int kMost = 32;
  std::array<epoll_event, kMost> events;
  const int count = epoll_wait(poll_.get(), events.data(), kMost, timeout_ms);
  for (int i = 0; i < count; i++) {
    const int descriptor = events[static_cast<size_t>(i)].data.fd;
    if (descriptor == child_signal_.get())
      read_child_signals(descriptor);
    else
      serve(descriptor);
  }
}

void SocketGate::serve(int descriptor) {
  auto connection = connections_.find(descriptor);
  if (connection == connections_.end()) return;
  alignas(8) std::array<unsigned char, WC_MAX_MESSAGE> buffer;
  const ssize_t size = recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const wc_message* message = nullptr;
  if (size > 0 && static_cast<size_t>(size) <= buffer.size() &&
      wc_parse(buffer.data(), static_cast<size_t>(size), &message) == WC_PARSE_OK &&
      message->type >= WC_SCOPE_BEGIN && message->type <= WC_LOOK)
    on_message(connection->second.first, *reinterpret_cast<const wc_scope_message*>(message));
  else
    connections_.erase(connection);  // closed, or hostile
}

// Who runs on that slot: its owner, or a vfork child on its parent's, which waits meanwhile. The
// connection says which process's slot it is, so ids of another pid namespace do not matter.
Thread* SocketGate::thread_of_slot(const Process& process, uint32_t slot) const {
  Thread* owner = nullptr;
  for (const auto& [tid, thread] : tracees_.threads) {
    if (thread->slot != static_cast<int>(slot) || thread->process->share != process.share) continue;
    if (thread->shares.active) return thread.get();
    if (thread->process.get() == &process) owner = thread.get();
  }
  return owner;
}

// The thread waits for wc_slot.ack. It is stopped there, armed or disarmed, and answered.
void SocketGate::on_message(pid_t pid, const wc_scope_message& message) {
  auto owner = tracees_.processes.find(pid);
  if (owner == tracees_.processes.end() || message.slot >= WC_SLOTS) return;
  ProcessShare* share = owner->second->share.get();
  if (share == nullptr || !share->valid_slot(message.slot)) return;
  Thread* thread = thread_of_slot(*owner->second, message.slot);
  if (thread == nullptr) {
    // Somebody else on its memory (clone with CLONE_VM and no thread area of its own): nothing of
    // it can be reported, but it must not wait.
    uint32_t& ack = share->slot(message.slot).ack;
    raise_ack(ack, message.bell);
    syscall(SYS_futex, &ack, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
    return;
  }
  thread->awaits_bell = true;
  thread->awaited_bell = message.bell;
  interrupt(kernel_, thread->tid);
}

}  // namespace wc
