// Where the session thread and the tracer thread meet, and the socket gate's messages.
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "engine/tracer.h"

namespace wc {
namespace {

// Whether it can map the rings of engine inproc beside what it needs itself.
bool has_room_for_rings(pid_t pid, uint64_t size) {
  constexpr uint64_t kShare = 4;
  rlimit limit{};
  return prlimit(pid, RLIMIT_AS, nullptr, &limit) != 0 || limit.rlim_cur / kShare >= size;
}

}  // namespace

// Where address space is short, here or there, a process goes without the big rings: all its
// syscalls are dispatched.
Result<std::unique_ptr<ProcessShare>> Tracer::create_share(const Process& process) {
  ShareLayout layout{options_.gate, options_.config,
                     static_cast<uint32_t>(process.table->functions.size()) + WC_OWN_SCOPES,
                     options_.plans};
  if (layout.config & WC_CONFIG_IN_PROCESS) {
    uint64_t size = wc_shared_size(wc_slot_size(layout.function_count, layout.config));
    if (has_room_for_rings(process.pid, size))
      if (auto share = ProcessShare::create(layout)) return share;
    say(1, "process " + std::to_string(process.pid) +
               ": no room to record syscalls in; all is left to dispatch");
    layout.config &= ~uint32_t{WC_CONFIG_IN_PROCESS};
  }
  return ProcessShare::create(layout);
}

// Runs on the session thread. The peer stands in its handshake and cannot go on before the answer.
SessionHost::Answer Tracer::on_hello(int32_t pid, const wc_hello& hello) {
  std::lock_guard lock(session_mutex_);
  auto known = processes_.find(pid);
  if (known == processes_.end()) return {nullptr, "this process is not traced"};
  Process& process = *known->second;
  if (process.table == nullptr || process.table->id != hello.stub_id)
    return {nullptr, "the stub library is not the one this program was given"};
  if (process.share_owner != nullptr) return {nullptr, "this process has said hello before"};
  auto share = create_share(process);
  if (!share) return {nullptr, share.error().message};
  process.share_owner = std::move(*share);
  process.shim = {hello.bell,
                  hello.gadget,
                  hello.landing,
                  hello.landing_saved,
                  hello.landing_restored,
                  hello.landing_end,
                  hello.exempt_begin,
                  hello.exempt_end,
                  hello.thunks,
                  hello.thunks_end,
                  hello.site,
                  hello.site_end,
                  hello.site_return,
                  hello.copy,
                  hello.copy_end,
                  hello.selector_offset};
  process.share.store(process.share_owner.get(), std::memory_order_release);
  return {process.share_owner, {}};
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
    std::lock_guard lock(session_mutex_);
    posted_.push_back(std::move(work));
  }
  // Ends waitpid. Where it comes a moment too early, the next tick ends it.
  syscall(SYS_tgkill, getpid(), tracer_tid_, SIGUSR1);
}

void Tracer::run_posted() {
  for (;;) {
    std::function<void()> work;
    {
      std::lock_guard lock(session_mutex_);
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

void Tracer::poll_gate_connections(int timeout_ms) {
  epoll_event events[32];
  int n = epoll_wait(gate_poll_.get(), events, 32, timeout_ms);
  for (int i = 0; i < n; i++) {
    int fd = events[i].data.fd;
    if (fd == child_signal_.get()) {
      signalfd_siginfo ignored[8];
      while (read(fd, ignored, sizeof ignored) > 0) {
      }
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

// The thread waits for wc_slot.ack. It is stopped there, armed or disarmed, and answered.
void Tracer::on_gate_message(pid_t pid, const wc_scope_message& message) {
  auto owner = processes_.find(pid);
  if (owner == processes_.end() || message.slot >= WC_SLOTS) return;
  ProcessShare* share = owner->second->share.load(std::memory_order_acquire);
  if (share == nullptr) return;
  auto found = threads_.find(message.tid);
  bool is_its_own = found != threads_.end() &&
                    (found->second->process == owner->second || found->second->shares.active);
  if (!is_its_own) {
    // Somebody else on its memory (clone with CLONE_VM and no thread area of its own): nothing can
    // be told of that one, but it must not wait.
    uint32_t& ack = share->slot(message.slot).ack;
    raise_ack(ack, message.bell);
    syscall(SYS_futex, &ack, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
    return;
  }
  Thread& thread = *found->second;
  thread.awaits_bell = true;
  thread.awaited_bell = message.bell;
  if (thread.slot < 0) thread.slot = static_cast<int>(message.slot);
  interrupt(stops_.kernel(), thread.tid);
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
