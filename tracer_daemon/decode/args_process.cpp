// Processes: limits, resource usage, wait status, scheduling, capabilities.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

void append_limit(std::string& out, uint64_t value) {
  constexpr uint64_t kKibi = 1024;
  if (value == UINT64_MAX) {
    out += "RLIM64_INFINITY";
  } else if (value > kKibi && value % kKibi == 0) {
    append_udec(out, value / kKibi);
    out += "*1024";
  } else {
    append_udec(out, value);
  }
}

void append_rlimit(const Arg& arg, std::string& out) {
  uint64_t limits[2];
  if (!fetch_or_address(arg, limits, out)) return;
  out += "{rlim_cur=";
  append_limit(out, limits[0]);
  out += ", rlim_max=";
  append_limit(out, limits[1]);
  out += '}';
}

void append_rusage(const Arg& arg, std::string& out) {
  rusage usage;
  if (!fetch_or_address(arg, usage, out)) return;
  out += "{ru_utime=";
  append_time(out, usage.ru_utime.tv_sec, usage.ru_utime.tv_usec, "tv_usec");
  out += ", ru_stime=";
  append_time(out, usage.ru_stime.tv_sec, usage.ru_stime.tv_usec, "tv_usec");
  out += ", ...}";
}

void append_stopped(std::string& out, int32_t status) {
  out += "{WIFSTOPPED(s) && WSTOPSIG(s) == ";
  const int signal = WSTOPSIG(status);
  constexpr int kSyscallStop = 0x80;
  append_signal(out, signal & ~kSyscallStop);
  if ((signal & kSyscallStop) != 0) out += " | 0x80";
  out += '}';
  const int event = status >> 16;
  if (event == 0) return;
  static constexpr std::string_view kEvents[] = {"",
                                                 "PTRACE_EVENT_FORK",
                                                 "PTRACE_EVENT_VFORK",
                                                 "PTRACE_EVENT_CLONE",
                                                 "PTRACE_EVENT_EXEC",
                                                 "PTRACE_EVENT_VFORK_DONE",
                                                 "PTRACE_EVENT_EXIT",
                                                 "PTRACE_EVENT_SECCOMP"};
  constexpr int kEventStop = 128;
  out += " | ";
  if (event > 0 && event < static_cast<int>(std::size(kEvents))) {
    out += kEvents[event];
  } else if (event == kEventStop) {
    out += "PTRACE_EVENT_STOP";
  } else {
    append_hex(out, static_cast<uint32_t>(event));
  }
  out += " << 16";
}

void append_wait_status(std::string& out, int32_t status) {
  if (WIFSTOPPED(status)) return append_stopped(out, status);
  if (WIFEXITED(status)) {
    out += "{WIFEXITED(s) && WEXITSTATUS(s) == ";
    append_dec(out, WEXITSTATUS(status));
    out += '}';
  } else if (WIFCONTINUED(status)) {
    out += "{WIFCONTINUED(s)}";
  } else {
    out += "{WIFSIGNALED(s) && WTERMSIG(s) == ";
    append_signal(out, WTERMSIG(status));
    if (WCOREDUMP(status)) out += " && WCOREDUMP(s)";
    out += '}';
  }
}

void append_wait_status_at(const Arg& arg, std::string& out) {
  int32_t status;
  // No child, nothing written: WNOHANG.
  if (arg.ret == 0) return append_pointer(out, arg.word);
  if (!fetch_or_address(arg, status, out)) return;
  out += '[';
  append_wait_status(out, status);
  out += ']';
}

void append_cpu_set(const Arg& arg, std::string& out, uint64_t size) {
  unsigned char bytes[1024];
  size = std::min<uint64_t>(size, sizeof bytes);
  if (arg.word == 0 || !arg.context.memory.read_all({arg.word}, bytes, size)) {
    return append_pointer(out, arg.word);
  }
  out += '[';
  bool first = true;
  for (size_t cpu = 0; cpu < size * 8; cpu++) {
    if ((bytes[cpu / 8] >> (cpu % 8) & 1) == 0) continue;
    if (!first) out += ' ';
    first = false;
    append_udec(out, cpu);
  }
  out += ']';
}

void append_sched_param(const Arg& arg, std::string& out) {
  int32_t priority;
  if (!fetch_or_address(arg, priority, out)) return;
  out += '[';
  append_dec(out, priority);
  out += ']';
}

struct CapHeader {
  uint32_t version;
  int32_t pid;
};
constexpr uint32_t kCapVersion1 = 0x19980330;
constexpr uint32_t kCapVersion2 = 0x20071026;
constexpr uint32_t kCapVersion3 = 0x20080522;

void append_cap_header(const Arg& arg, std::string& out) {
  CapHeader header;
  if (!fetch_or_address(arg, header, out)) return;
  out += "{version=";
  switch (header.version) {
    case kCapVersion1:
      out += "_LINUX_CAPABILITY_VERSION_1";
      break;
    case kCapVersion2:
      out += "_LINUX_CAPABILITY_VERSION_2";
      break;
    case kCapVersion3:
      out += "_LINUX_CAPABILITY_VERSION_3";
      break;
    default:
      append_hex(out, header.version);
      out += " /* _LINUX_CAPABILITY_VERSION_??? */";
  }
  out += ", pid=";
  append_dec(out, header.pid);
  out += '}';
}

void append_capabilities(std::string& out, uint64_t mask) {
  if (mask == 0) {
    out += '0';
    return;
  }
  constexpr unsigned kLast = 40;
  bool first = true;
  uint64_t unknown = 0;
  for (unsigned i = 0; i < 64; i++) {
    if ((mask >> i & 1) == 0) continue;
    if (i > kLast) {
      unknown |= uint64_t{1} << i;
      continue;
    }
    if (!first) out += '|';
    first = false;
    out += "1<<";
    append_enum(out, FlagTable::Capability, i);
  }
  if (unknown == 0) return;
  if (!first) out += '|';
  append_hex(out, unknown);
}

void append_cap_data(const Arg& arg, std::string& out) {
  uint32_t words[2][3] = {};  // effective, permitted, inheritable; low halves, then high ones
  CapHeader header{};
  const bool wide = fetch(arg.context, arg.aux_word(), header) && header.version != kCapVersion1;
  const size_t size = wide ? sizeof words : sizeof words[0];
  if (arg.word == 0 || !arg.context.memory.read_all({arg.word}, words, size)) {
    return append_pointer(out, arg.word);
  }
  static constexpr std::string_view kNames[] = {"{effective=", ", permitted=", ", inheritable="};
  for (size_t i = 0; i < std::size(kNames); i++) {
    out += kNames[i];
    append_capabilities(out, words[0][i] | uint64_t{words[1][i]} << 32);
  }
  out += '}';
}

}  // namespace

void decode_process(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::Rlimit:
    case ArgKind::RlimitOut:
      return append_rlimit(arg, out);
    case ArgKind::ChildRusage:
      if (arg.ret == 0) return append_pointer(out, arg.word);  // no child, nothing written
      [[fallthrough]];
    case ArgKind::Rusage:
      return append_rusage(arg, out);
    case ArgKind::WaitStatus:
      return append_wait_status_at(arg, out);
    case ArgKind::CpuSet:
      return append_cpu_set(arg, out, static_cast<uint32_t>(arg.aux_word()));
    case ArgKind::CpuSetOut:
      return append_cpu_set(arg, out, arg.ret);
    case ArgKind::SchedParam:
    case ArgKind::SchedParamOut:
      return append_sched_param(arg, out);
    case ArgKind::CapHeader:
      return append_cap_header(arg, out);
    case ArgKind::CapData:
    case ArgKind::CapDataOut:
      return append_cap_data(arg, out);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
