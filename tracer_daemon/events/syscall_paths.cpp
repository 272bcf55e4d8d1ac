// The file names that a syscall is about, for those who ask for them.
#include <fcntl.h>
#include <linux/limits.h>

#include "decode/args.h"
#include "events/pipeline.h"
#include "proc/files.h"
#include "proc/process.h"

namespace wc {
namespace {

std::string target_of(int32_t pid, int32_t descriptor) {
  if (descriptor == AT_FDCWD) return proc::link_target(proc::path_of(pid, "cwd"));
  return descriptor >= 0 ? proc::descriptor_target(pid, descriptor) : std::string();
}

}  // namespace

// The first of each kind. What ld.so opens is wanted with WC_WANT_PHASES, too.
void Pipeline::note_paths(const EventSource& source, PendingSyscall& syscall) const {
  const bool wants_path = wants_text() || loading_.contains(source.pid);
  const bool wants_descriptor = wants(WC_WANT_PATHS) && !source.is_recorded;
  if (!wants_path && !wants_descriptor) return;
  const SyscallSpec& spec = syscall_spec(syscall.nr);
  for (unsigned i = 0; i < spec.arg_count; i++) {
    const ArgKind kind = spec.args[i].kind;
    const bool is_descriptor = kind == ArgKind::Fd || kind == ArgKind::DirFd;
    if (wants_path && kind == ArgKind::Path && syscall.path.empty())
      read_string(decode_context(source), syscall.args[i], PATH_MAX, syscall.path);
    if (wants_descriptor && is_descriptor && syscall.fd_path.empty())
      syscall.fd_path = target_of(source.pid, static_cast<int32_t>(syscall.args[i]));
  }
}

}  // namespace wc
