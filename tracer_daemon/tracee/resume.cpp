#include "tracee/resume.h"

#include <utility>

namespace wc {

void resume(StoppedThread stop, Thread& thread, int signal) {
  // Any stop takes a pending interruption away; the bell is still to be answered.
  if (thread.awaits_bell || thread.interrupted) stop.interrupt_when_resumed();
  thread.process->memory.end_stop();
  // A thread resumed otherwise from the entry of a syscall would never show its exit.
  bool to_syscall = thread.is_watched() || thread.process->watches_all || !thread.breaks.empty() ||
                    thread.position != SyscallPosition::Outside || thread.begins ||
                    thread.wait.own_stops;
  std::move(stop).resume(to_syscall ? Resume::ToSyscall : Resume::Run, signal);
}

}  // namespace wc
