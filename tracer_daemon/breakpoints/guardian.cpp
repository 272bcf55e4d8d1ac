#include "breakpoints/guardian.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>

namespace wc {
namespace {

constexpr uint32_t kEntries = 1 << 20;  // 16 MiB, if they were all used
constexpr uint8_t kBreakpoint = 0xcc;

ScopedFd open_memory(pid_t pid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  return ScopedFd(open(path, O_RDWR | O_CLOEXEC));
}

// Where the program has written something else over it meanwhile, that stays.
void put_back(int memory, uint64_t address, uint8_t original) {
  uint8_t now = 0;
  auto at = static_cast<off_t>(address);
  if (pread(memory, &now, 1, at) == 1 && now == kBreakpoint) [[maybe_unused]]
    ssize_t n = pwrite(memory, &original, 1, at);
}

}  // namespace

struct Guardian::Entry {
  int32_t pid;  // 0: free. Written last.
  uint8_t original;
  uint64_t address;
};

struct Guardian::Table {
  uint32_t used;  // entries from here on have never been used
  Entry entries[kEntries];
};

void Guardian::restore(const Table& table) {
  ScopedFd memory;
  pid_t opened = 0;  // one process's entries mostly stand together
  for (uint32_t i = 0; i < table.used && i < kEntries; i++) {
    const Entry& entry = table.entries[i];
    pid_t pid = __atomic_load_n(&entry.pid, __ATOMIC_ACQUIRE);
    if (pid == 0) continue;
    if (pid != opened) memory = open_memory(pid);
    opened = pid;
    if (memory.valid()) put_back(memory.get(), entry.address, entry.original);
  }
}

// Signals to the tracer's group are not for it, and no descriptor of the run is kept open by it.
void Guardian::watch(const Table& table, int alive) {
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "wc-guardian");
  constexpr int kAlive = 3;
  if (dup2(alive, kAlive) < 0) _exit(1);
  for (int fd = 0; fd < kAlive; fd++) close(fd);
  syscall(SYS_close_range, kAlive + 1, ~0u, 0);
  if (chdir("/") != 0) _exit(1);
  char byte;
  ssize_t n;
  do n = read(kAlive, &byte, 1);
  while (n > 0 || (n < 0 && errno == EINTR));
  restore(table);
  _exit(0);
}

std::unique_ptr<Guardian> Guardian::start() {
  void* memory = mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  int ends[2];
  if (memory == MAP_FAILED) return nullptr;
  auto guardian = std::unique_ptr<Guardian>(new Guardian);
  guardian->table_ = new (memory) Table;
  if (pipe2(ends, O_CLOEXEC) != 0) return nullptr;
  ScopedFd reader(ends[0]);
  guardian->alive_ = ScopedFd(ends[1]);
  guardian->pid_ = fork();
  if (guardian->pid_ < 0) return nullptr;
  if (guardian->pid_ == 0) {
    guardian->alive_.reset();
    watch(*guardian->table_, reader.get());
  }
  return guardian;
}

Guardian::~Guardian() {
  alive_.reset();
  if (pid_ > 0) {
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (table_ != nullptr) munmap(table_, sizeof(Table));
}

bool Guardian::note(pid_t pid, uint64_t address, uint8_t original) {
  auto [at, fresh] = index_.try_emplace({pid, address}, table_->used);
  if (fresh && !free_.empty()) {
    at->second = free_.back();
    free_.pop_back();
  } else if (fresh && table_->used == kEntries) {
    index_.erase(at);
    return false;
  } else if (fresh) {
    table_->used++;
  }
  Entry& entry = table_->entries[at->second];
  entry.address = address;
  entry.original = original;
  __atomic_store_n(&entry.pid, pid, __ATOMIC_RELEASE);
  return true;
}

Guardian::Index::iterator Guardian::forget(Index::iterator at) {
  __atomic_store_n(&table_->entries[at->second].pid, 0, __ATOMIC_RELEASE);
  free_.push_back(at->second);
  return index_.erase(at);
}

void Guardian::forget(pid_t pid, uint64_t address) {
  if (auto at = index_.find({pid, address}); at != index_.end()) forget(at);
}

void Guardian::forget(pid_t pid) {
  auto at = index_.lower_bound({pid, 0});
  while (at != index_.end() && at->first.first == pid) at = forget(at);
}

}  // namespace wc
