// wc-preload and the program that it runs, on a terminal of their own that this view drains.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"
#include "top/view.h"

namespace wc::top {

class Child {
 public:
  // `words`: for wc-preload, which is looked for beside this program.
  static Result<Child> start(const std::vector<std::string>& words, Size size);
  Child(Child&& other) noexcept = default;
  // Who leaves without having waited for it leaves it alone, without its terminal.
  ~Child() = default;

  // Readable: there is output, or nobody has the terminal any more. -1 then.
  [[nodiscard]] int terminal() const { return master_.get(); }
  // What can be read without waiting, at most some KiB. Closes a terminal that nobody has.
  std::string read_output();
  void write_input(std::string_view bytes);
  void resize(Size size);

  void signal(int number) const;
  // The status of waitid(2) as a shell says it: 128 + N by a signal. Nothing: it runs.
  std::optional<int> status();
  [[nodiscard]] bool runs() const { return !status_; }

 private:
  Child(pid_t pid, ScopedFd master) : pid_(pid), master_(std::move(master)) {}

  pid_t pid_;
  ScopedFd master_;
  std::optional<int> status_;
};

}  // namespace wc::top
