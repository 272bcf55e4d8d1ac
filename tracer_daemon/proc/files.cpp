#include "proc/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/scoped_fd.h"
#include "proc/link_watch.h"
#include "proc/process.h"

namespace wc::proc {

std::string path_of(pid_t pid, std::string_view name) {
  std::string path = "/proc/" + std::to_string(pid) + "/";
  return path.append(name);
}

Result<std::string> read_descriptor(int fd, size_t limit) {
  std::string text;
  constexpr size_t kBlock = 16384;
  while (text.size() < limit) {
    const size_t used = text.size();
    const size_t wanted = std::min(kBlock, limit - used);
    text.resize(used + wanted);
    const ssize_t size = ::pread(fd, text.data() + used, wanted, static_cast<off_t>(used));
    text.resize(used + (size > 0 ? static_cast<size_t>(size) : 0));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error::from_errno("cannot read a file of /proc", errno);
    if (size == 0) break;
  }
  return text;
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  const ScopedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Error::from_errno("cannot read " + path, errno == ENOENT ? ESRCH : errno);
  auto text = read_descriptor(fd.get(), limit);
  if (!text) return Error::from_errno("cannot read " + path, text.error().code);
  return text;
}

namespace {
thread_local LinkWitness* link_witness = nullptr;
thread_local LinkAnswers* link_answers = nullptr;
}  // namespace

void watch_links(LinkWitness* witness) { link_witness = witness; }
void answer_links(LinkAnswers* answers) { link_answers = answers; }

std::string link_target(const std::string& path) {
  if (link_answers != nullptr) return link_answers->answer_link(path);
  std::array<char, 4096> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  std::string found(target.data(), size > 0 ? static_cast<size_t>(size) : 0);
  if (link_witness != nullptr) link_witness->saw_link(path, found);
  return found;
}

Result<std::string> read_of_any_thread(pid_t pid,
                                       const std::function<Result<std::string>(pid_t tid)>& read) {
  Result<std::string> answer = read(pid);
  if (answer && !answer->empty()) return answer;
  for (const pid_t tid : threads_of(pid)) {
    if (tid == pid) continue;
    if (Result<std::string> other = read(tid); other && !other->empty()) return other;
  }
  return answer;
}

}  // namespace wc::proc
