#include "bpf/rights.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "proc/status.h"

namespace wc {
namespace {

// capabilities(7)
constexpr int kSysAdmin = 21, kPerfmon = 38, kBpf = 39;

}  // namespace

Status check_bpf_rights() {
  auto self = proc::read_status(getpid());
  if (!self) return Done{};
  auto has = [&](int capability) { return (self->effective_capabilities >> capability & 1) != 0; };
  if (has(kSysAdmin)) return Done{};
  std::string missing;
  if (!has(kBpf)) missing = "CAP_BPF";
  if (!has(kPerfmon)) missing += std::string(missing.empty() ? "" : " and ") + "CAP_PERFMON";
  if (missing.empty()) return Done{};
  return Error{"engine bpf: " + missing +
                   " missing: run as root, or with these capabilities; -E ptrace traces one's own "
                   "programs without",
               0};
}

Error bpf_load_error(int code) {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return Error{
        "engine bpf: this kernel has no type information (/sys/kernel/btf/vmlinux; "
        "CONFIG_DEBUG_INFO_BTF); use -E ptrace",
        code};
  if (code == EPERM || code == EACCES)
    return Error{Error::from_errno("engine bpf: the kernel refuses its programs", code).message +
                     "; a container or a lockdown forbids them, or the kernel is older than 5.17; "
                     "use -E ptrace",
                 code};
  return Error{Error::from_errno("engine bpf: the kernel refuses its programs", code).message +
                   " (Linux 5.17 or newer is needed); use -E ptrace",
               code};
}

}  // namespace wc
