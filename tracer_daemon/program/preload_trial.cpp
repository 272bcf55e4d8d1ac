#include "program/preload_trial.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

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

bool needs_trial(const proc::Status& status) {
  return status.no_new_privs && kernel_has_landlock();
}

void try_preload(StoppedThread& stop, Thread& thread, UnwrappedPrograms& unwrapped) {
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
  unwrapped.leave(proc::exe_path(process.pid),
                  "may not read the run's folder (Landlock or the like)");
}

}  // namespace wc
