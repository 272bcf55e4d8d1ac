// One run of one command: in a session of its own, under a hard limit, with nothing left of it.
#pragma once

#include <sys/time.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc::measure {

struct Outcome {
  double wall = 0;  // seconds from fork to the end of the command
  double cpu = 0;   // seconds of user and system time of everything that it started
  int status = 0;   // as wait(2) gives it
  bool ended = true;
  std::string doing;  // what its processes did when it was killed
};

double in_seconds(const timeval& time);

// Where the command's output goes. /dev/null where no descriptor is given.
struct Streams {
  int out = -1;
  int err = -1;
};

// Must be called once before the first Child: orphans of a run become children of this process,
// so that their time is counted and none is left behind.
Status become_subreaper();

// From the first run on SIGINT, SIGTERM and SIGHUP end the run that is under way; afterwards this
// is their number, else 0.
int interrupted_by();
void take_interrupts();

// What to do with the processes of a run that are outside of its group when it ends.
enum class Strays { Kill, Leave };

class Child {
 public:
  // Standard input is this process's where that is a file, read anew from its beginning; else
  // empty.
  static Result<Child> start(const std::vector<std::string>& command, Streams streams);
  Child(Child&&) = default;
  Child& operator=(Child&&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Until it has ended or the time is over; says which.
  bool wait(double seconds);
  // Kills what is left of it, takes its status and adds up its time.
  Outcome finish(Strays strays);
  // Time of other children that end meanwhile, which is not this one's.
  void leave_out(double cpu_seconds) { left_out_ += cpu_seconds; }

 private:
  Child() = default;
  ScopedFd pidfd_;
  pid_t pid_ = 0;
  double begin_ = 0;
  double end_ = 0;
  double cpu_before_ = 0;
  double left_out_ = 0;
  bool ended_ = false;
  bool finished_ = false;
};

// Start, wait, finish; strays are killed.
Result<Outcome> run(const std::vector<std::string>& command, Streams streams, double limit);

double now();  // seconds, CLOCK_MONOTONIC

// "exit status 1", "killed by SIGSEGV".
std::string describe_status(int status);

// Without control bytes, and without blanks at its ends.
std::string one_line(std::string text);

// An unnamed file in the folder for temporary files.
Result<ScopedFd> temporary_file();
// How many bytes of what a failed command has said last are shown.
inline constexpr std::size_t kShownTail = 300;
// The last `most` bytes of a file, from any position.
std::string tail_of(int fd, std::size_t most);
std::string content_of(int fd);

}  // namespace wc::measure
