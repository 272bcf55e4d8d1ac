// A program that may not read what it is to preload, by a policy that cannot be seen from outside
// (Landlock): ld.so would complain on its standard error. Where that is possible, the new program
// itself tries, in the moment between its execve's return and ld.so's first instruction.
//
// Landlock needs no_new_privs (but for processes with CAP_SYS_ADMIN), so that tells who is tried.
// Source: landlock(7).
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "engine/tracer.h"
#include "kernel/borrowed_memory.h"
#include "kernel/remote_syscall.h"
#include "proc/process.h"

namespace wc {
namespace {

bool kernel_has_landlock() {
  constexpr long kCreateRuleset = 444;
  constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  static const bool has = syscall(kCreateRuleset, nullptr, 0, kVersion) > 0;
  return has;
}

// 0, or why the stopped program cannot open the file. Nothing is said where it cannot be tried.
int try_to_open(StoppedThread& stop, ProcessMemory& memory, const std::string& path) {
  user_regs_struct regs{};
  if (!stop.registers(regs)) return 0;
  const uint64_t at = regs.rsp - path.size() - kBelowRedZone;
  BorrowedMemory name(memory, {at}, path.c_str(), path.size() + 1);
  if (!name.ok()) return 0;
  auto descriptor =
      run_syscall(stop, memory, SYS_openat,
                  {static_cast<uint64_t>(AT_FDCWD), at, O_RDONLY | O_CLOEXEC, 0, 0, 0});
  if (!descriptor) return descriptor.error().code;
  (void)run_syscall(stop, memory, SYS_close, {*descriptor, 0, 0, 0, 0, 0});
  return 0;
}

}  // namespace

bool Tracer::needs_trial(const proc::Status& status) {
  return status.no_new_privs && kernel_has_landlock();
}

// Its stack without our LD_PRELOAD is still there, above the one that it was given.
void Tracer::try_preload(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  PreloadTrial trial = std::exchange(process.preload_trial, {});
  if (trial.library.empty()) return;
  int error = try_to_open(stop, process.memory, trial.library);
  if (error != EACCES && error != EPERM && error != ENOENT) return;
  user_regs_struct regs{};
  if (!stop.registers(regs)) return;
  regs.rsp = trial.stack_before;
  if (!stop.set_registers(regs)) return;
  process.table = nullptr;
  leave_unwrapped(proc::exe_path(process.pid),
                  "may not read the run's folder (Landlock or the like)");
}

}  // namespace wc
