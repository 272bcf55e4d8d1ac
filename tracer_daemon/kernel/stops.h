// The stops and ends of all tracees, each handed out once.
//
// While the tracer waits for one thread (a system call in its name), others stop and end, too: what
// they do is kept here and comes out of next() afterwards. Their ends must be consumed meanwhile:
// the kernel reports the end of a thread group's leader only when all its other threads are gone.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "kernel/awake_wait.h"
#include "kernel/kernel.h"

namespace wc {

class StoppedThread;

class Stops {
 public:
  explicit Stops(Kernel& kernel) : kernel_(kernel) {}
  Stops(const Stops&) = delete;
  Stops& operator=(const Stops&) = delete;

  [[nodiscard]] Kernel& kernel() { return kernel_; }

  // What was kept first, then what the kernel says (Kernel::look).
  Seen next(Wait how);
  // A stop that comes so soon that sleeping is not worth it; `ends` ends the wait. Nothing (tid 0):
  // it is time to sleep, in next().
  template <typename Ends>
  Seen next_awake(const Ends& ends) {
    if (!kept_.empty()) return awake_.restart(), next(Wait::Poll);
    return look_awake(ends);
  }
  // What next_awake() has begun is over: by a stop or by something else, with or without sleep.
  void has_waited() { awake_.has_ended(); }
  // The same for one thread, without waiting.
  Seen next_of(pid_t tid);
  void claim(pid_t tid) { kernel_.claim(tid); }
  [[nodiscard]] bool has_kept() const { return !kept_.empty(); }

  // Waits until this thread stops or ends; nothing where it is no tracee any more. Ends are handed
  // out here, too: the caller gives back what the loop must see.
  std::optional<Seen> wait_for(pid_t tid);
  // Before a thread is resumed: what is to be done while it stands still.
  void before_resume(std::function<void()> action) { before_resume_ = std::move(action); }
  void thread_resumes() const {
    if (before_resume_) before_resume_();
  }
  void give_back(const Seen& seen) { kept_.push_back(seen); }

 private:
  template <typename Ends>
  Seen look_awake(const Ends& ends) {
    return awake_.wait([this] { return kernel_.look(kAnyThread, Wait::Poll); }, ends);
  }

  Kernel& kernel_;
  AwakeWait awake_;
  std::deque<Seen> kept_;
  std::function<void()> before_resume_;
};

}  // namespace wc
