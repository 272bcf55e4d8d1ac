// Which system calls a claim about bytes can be about.
#include <fmt/format.h>

#include "claims/claim.h"
#include "decode/decoder.h"

namespace wc {
namespace {

// Their result is the number of bytes that went through a descriptor, a pipe or a socket, or came
// from another process.
constexpr std::string_view kMovers =
    "read,write,pread64,pwrite64,readv,writev,preadv,pwritev,preadv2,pwritev2,sendto,recvfrom,"
    "sendmsg,recvmsg,sendfile,splice,tee,vmsplice,copy_file_range,getrandom,process_vm_readv,"
    "process_vm_writev,mq_timedreceive,msgrcv";

}  // namespace

const SyscallSet& byte_movers() {
  static const SyscallSet movers = [] {
    const auto parsed = parse_syscall_filter(kMovers);
    return parsed.ok() ? *parsed : SyscallSet();
  }();
  return movers;
}

std::string bytes_obstacle(const SyscallSet& syscalls, std::string_view list) {
  const SyscallSet others = syscalls & ~byte_movers();
  // A class or a pattern means those of it that move bytes; who names one means that one.
  const bool is_named = list.find_first_of("%/!*") == list.npos && list != "all";
  const bool moves_none = (syscalls & byte_movers()).none();
  if (!moves_none && (!is_named || others.none())) return {};
  for (uint32_t nr = 0; nr < others.size(); ++nr) {
    if (others[nr] && is_named)
      return fmt::format("the result of {} is no number of bytes; bytes are counted of {}",
                         syscall_spec(nr).name, kMovers);
  }
  return fmt::format(
      "no system call of '{}' has a number of bytes as its result; bytes are counted of {}", list,
      kMovers);
}

}  // namespace wc
