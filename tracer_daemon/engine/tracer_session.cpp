// Where the session thread and the tracer thread meet, and the socket gate's messages.
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "engine/tracer.h"

namespace wc {
// On the session thread; the answer comes from the tracer's. The peer waits for it.
void Tracer::on_hello(int32_t pid, const wc_hello& hello, std::function<void(Answer)> reply) {
  post([this, pid, hello, reply = std::move(reply)] { reply(answer_by_socket(pid, hello)); });
}

SessionHost::Answer Tracer::answer_by_socket(int32_t pid, const wc_hello& hello) {
  auto known = processes_.find(pid);
  if (known == processes_.end()) return {nullptr, "this process is not traced"};
  Process& process = *known->second;
  if (process.table == nullptr || process.table->id != hello.stub_id)
    return {nullptr, "the stub library is not the one this program was given"};
  if (hello.flags & WC_HELLO_GATE) return {};
  // It has asked by its bell before; the tracer could not take its memory.
  if (process.share != nullptr || process.shim.bell == 0)
    return {nullptr, "this process is not to be given memory"};
  auto share = create_share(process, [this](const ShareLayout& layout) {
    return ProcessShare::create(layout, options_.shared_memory);
  });
  if (!share) return {nullptr, share.error().message};
  process.share = std::move(*share);
  process.awaits_hello = false;
  return {process.share, {}};
}

void Tracer::on_attach(int32_t pid, std::function<void(const std::string&)> done) {
  if (!options_.standing)
    return done("it runs one program only; start a standing one with wc-preload serve");
  post([this, pid, done = std::move(done)] {
    if (int error = seize(stops_.kernel(), pid, follows_forks()); error != 0)
      return done(std::string("cannot trace process ") + std::to_string(pid) + ": " +
                  strerror(error));
    if (first_ == 0) first_ = pid;
    add_thread(pid, add_process(pid));
    // Its exec is its first syscall that is reported.
    if (options_.whole_process) interrupt(stops_.kernel(), pid);
    done("");
  });
}

void Tracer::post(std::function<void()> work) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
  }
  heartbeat_.wake();
}

void Tracer::run_posted() {
  for (;;) {
    std::function<void()> work;
    {
      std::lock_guard lock(posted_mutex_);
      if (posted_.empty()) return;
      work = std::move(posted_.front());
      posted_.pop_front();
    }
    work();
  }
}

// ---- socket gate

// Runs on the session thread.
void Tracer::on_gate_connection(int32_t pid, ScopedFd connection) {
  post([this, pid, fd = std::make_shared<ScopedFd>(std::move(connection))] {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd->get();
    epoll_ctl(gate_poll_.get(), EPOLL_CTL_ADD, fd->get(), &event);
    gate_connections_[event.data.fd] = {pid, std::move(*fd)};
  });
}

// Before the first stop is looked for: a shim's connection may come at any time from then on.
void Tracer::open_gate_poll() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  gate_poll_ = ScopedFd(epoll_create1(EPOLL_CLOEXEC));
  child_signal_ = ScopedFd(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = child_signal_.get();
  epoll_ctl(gate_poll_.get(), EPOLL_CTL_ADD, child_signal_.get(), &event);
}

// Of children, of post(), and SIGUSR1 from somebody else, who means the program.
void Tracer::read_child_signals() {
  signalfd_siginfo one;
  while (read(child_signal_.get(), &one, sizeof one) > 0) {
    if (one.ssi_signo != SIGUSR1) continue;
    sigval value{};
    value.sival_ptr = reinterpret_cast<void*>(one.ssi_ptr);
    put_signal({static_cast<int>(one.ssi_signo), one.ssi_code, static_cast<pid_t>(one.ssi_pid),
                value, TickClock::now()});
  }
}

void Tracer::poll_gate_connections(int timeout_ms) {
  epoll_event events[32];
  int n = epoll_wait(gate_poll_.get(), events, 32, timeout_ms);
  for (int i = 0; i < n; i++) {
    int fd = events[i].data.fd;
    if (fd == child_signal_.get()) {
      read_child_signals();
      continue;
    }
    auto connection = gate_connections_.find(fd);
    if (connection == gate_connections_.end()) continue;
    alignas(8) unsigned char buffer[WC_MAX_MESSAGE];
    ssize_t size = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    const wc_message* message = nullptr;
    if (size > 0 && static_cast<size_t>(size) <= sizeof buffer &&
        wc_parse(buffer, static_cast<size_t>(size), &message) == WC_PARSE_OK &&
        message->type >= WC_SCOPE_BEGIN && message->type <= WC_LOOK) {
      on_gate_message(connection->second.first,
                      *reinterpret_cast<const wc_scope_message*>(message));
    } else {
      gate_connections_.erase(connection);  // closed, or hostile
    }
  }
}

namespace {

// Answers may cross where two threads ring for one slot: the number never goes back.
void raise_ack(uint32_t& ack, uint32_t number) {
  if (static_cast<int32_t>(number - ack) > 0) __atomic_store_n(&ack, number, __ATOMIC_RELEASE);
}

}  // namespace

// Who runs on that slot: its owner, or a vfork child on its parent's, which waits meanwhile. The
// connection says which process's slot it is, so ids of another pid namespace do not matter.
Thread* Tracer::thread_of_slot(const Process& process, uint32_t slot) {
  Thread* owner = nullptr;
  for (const auto& [tid, thread] : threads_) {
    if (thread->slot != static_cast<int>(slot) || thread->process->share != process.share) continue;
    if (thread->shares.active) return thread.get();
    if (thread->process.get() == &process) owner = thread.get();
  }
  return owner;
}

// The thread waits for wc_slot.ack. It is stopped there, armed or disarmed, and answered.
void Tracer::on_gate_message(pid_t pid, const wc_scope_message& message) {
  auto owner = processes_.find(pid);
  if (owner == processes_.end() || message.slot >= WC_SLOTS) return;
  ProcessShare* share = owner->second->share.get();
  if (share == nullptr || !share->valid_slot(message.slot)) return;
  Thread* thread = thread_of_slot(*owner->second, message.slot);
  if (thread == nullptr) {
    // Somebody else on its memory (clone with CLONE_VM and no thread area of its own): nothing can
    // be told of that one, but it must not wait.
    uint32_t& ack = share->slot(message.slot).ack;
    raise_ack(ack, message.bell);
    syscall(SYS_futex, &ack, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
    return;
  }
  thread->awaits_bell = true;
  thread->awaited_bell = message.bell;
  interrupt(stops_.kernel(), thread->tid);
}

void Tracer::on_interrupted(StoppedThread stop, Thread& thread) {
  thread.awaits_bell = false;
  user_regs_struct regs{};
  ProcessShare* share = share_of(thread);
  if (share != nullptr && stop.registers(regs)) {
    auto slot = static_cast<uint32_t>(thread.slot);
    if (options_.config & WC_CONFIG_ALL_CALLS) take_stack(thread, regs);
    answer_bell(thread, slot, regs.rsp);
    raise_ack(share->slot(slot).ack, thread.awaited_bell);
  }
  // It waits in a futex of the shared memory; the interruption has ended that wait.
  resume(std::move(stop), thread);
}

}  // namespace wc
