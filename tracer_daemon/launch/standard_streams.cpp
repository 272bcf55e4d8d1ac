#include "launch/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace wc {
namespace {

bool program_has_begun = false;

bool is_open(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags != -1 && !(flags & O_PATH);
}

}  // namespace

void hold_standard_streams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) == -1) open("/", O_PATH | O_CLOEXEC);  // the lowest number that is free
}

int stream_for_messages() {
  bool elsewhere = !program_has_begun && !is_open(STDERR_FILENO) && is_open(STDOUT_FILENO);
  return elsewhere ? STDOUT_FILENO : STDERR_FILENO;
}

void leave_standard_output_to_the_program() { program_has_begun = true; }

}  // namespace wc
