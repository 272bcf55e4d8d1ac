#include "kernel/process_memory.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace wc {
namespace {

constexpr uint64_t kPage = 4096;

iovec remote(RemoteAddress at, size_t size) { return {reinterpret_cast<void*>(at.value), size}; }

bool is_writable(int fd) { return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR; }

}  // namespace

void ProcessMemory::open() {
  forget();
  file_.reset();
  refused_ = false;
  (void)file();
}

const ProcessMemory::File* ProcessMemory::file() {
  if (file_ != nullptr || refused_) return file_.get();
  // A leader that has ended has no memory any more; its threads have.
  ScopedFd opened = kernel_->open_memory(pid_);
  if (!opened.valid() && stopped_ != 0) opened = kernel_->open_memory(stopped_);
  // Short of descriptors is a state that passes; a refusal is not.
  if (!opened.valid()) refused_ = errno != EMFILE && errno != ENFILE;
  if (opened.valid()) {
    bool writable = is_writable(opened.get());
    file_ = std::make_shared<const File>(File{std::move(opened), writable});
  }
  return file_.get();
}

void ProcessMemory::begin_stop(pid_t tid) {
  forget();
  stopped_ = tid;
}

void ProcessMemory::end_stop() {
  forget();
  stopped_ = 0;
}

size_t ProcessMemory::read(RemoteAddress from, void* to, size_t size) {
  uint64_t offset = from.value - kept_from_.value;
  if (offset < kept_size_ && size <= kept_size_ - offset) {
    std::memcpy(to, kept_.data() + offset, size);
    return size;
  }
  size_t n = fetch(from, to, size);
  if (stopped_ != 0 && n == size && size <= kept_.size()) {
    std::memcpy(kept_.data(), to, size);
    kept_from_ = from;
    kept_size_ = size;
  }
  return n;
}

size_t ProcessMemory::fetch(RemoteAddress from, void* to, size_t size) {
  if (const File* open = file()) {
    ssize_t n = pread(open->descriptor.get(), to, size, static_cast<off_t>(from.value));
    if (n > 0) return static_cast<size_t>(n);
    if (n < 0 && errno == EIO) return 0;
  }
  return read_by_pid(from, to, size);
}

size_t ProcessMemory::read_by_pid(RemoteAddress from, void* to, size_t size) const {
  // One range is all or nothing on some kernels: page by page up to the first bad one.
  size_t done = 0;
  while (done < size) {
    RemoteAddress at = from + done;
    size_t chunk = std::min<size_t>(size - done, kPage - at.value % kPage);
    iovec here{static_cast<char*>(to) + done, chunk};
    iovec there = remote(at, chunk);
    ssize_t n = process_vm_readv(pid_, &here, 1, &there, 1, 0);
    if (n <= 0 && errno != EFAULT) return done + peek(at, here.iov_base, size - done);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

// Word by word.
size_t ProcessMemory::peek(RemoteAddress from, void* to, size_t size) const {
  if (stopped_ == 0) return 0;
  auto* bytes = static_cast<char*>(to);
  for (size_t done = 0; done < size;) {
    uint64_t at = from.value + done;
    uint64_t word = 0;
    size_t offset = at % sizeof word;
    size_t chunk = std::min(sizeof word - offset, size - done);
    // The system call, unlike the C library's function, stores the word where `data` points to.
    if (kernel_->trace(PTRACE_PEEKDATA, stopped_, at - offset, reinterpret_cast<uint64_t>(&word)) <
        0)
      return done;
    std::memcpy(bytes + done, reinterpret_cast<const char*>(&word) + offset, chunk);
    done += chunk;
  }
  return size;
}

bool ProcessMemory::write(RemoteAddress to, const void* from, size_t size) {
  forget();
  const File* open = file();
  if (open != nullptr && open->writable &&
      pwrite(open->descriptor.get(), from, size, static_cast<off_t>(to.value)) ==
          static_cast<ssize_t>(size))
    return true;
  iovec here{const_cast<void*>(from), size};
  iovec there = remote(to, size);
  return process_vm_writev(pid_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(size) ||
         poke(to, from, size);
}

// Bytes beside what is written are written back as they are.
bool ProcessMemory::poke(RemoteAddress to, const void* from, size_t size) const {
  if (stopped_ == 0) return false;
  const auto* bytes = static_cast<const char*>(from);
  for (size_t done = 0; done < size;) {
    uint64_t at = to.value + done;
    uint64_t word = 0;
    size_t offset = at % sizeof word;
    size_t chunk = std::min(sizeof word - offset, size - done);
    if (peek({at - offset}, &word, sizeof word) != sizeof word) return false;
    std::memcpy(reinterpret_cast<char*>(&word) + offset, bytes + done, chunk);
    if (kernel_->trace(PTRACE_POKEDATA, stopped_, at - offset, word) < 0) return false;
    done += chunk;
  }
  return true;
}

}  // namespace wc
