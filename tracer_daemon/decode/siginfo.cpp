// siginfo_t as strace prints it: which fields there are depends on the signal and
// on who sent it.
#include <csignal>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

struct CodeName {
  int code;
  std::string_view name;
};

constexpr CodeName kIll[] = {{1, "ILL_ILLOPC"}, {2, "ILL_ILLOPN"}, {3, "ILL_ILLADR"},
                             {4, "ILL_ILLTRP"}, {5, "ILL_PRVOPC"}, {6, "ILL_PRVREG"},
                             {7, "ILL_COPROC"}, {8, "ILL_BADSTK"}, {9, "ILL_BADIADDR"}};
constexpr CodeName kFpe[] = {{1, "FPE_INTDIV"},   {2, "FPE_INTOVF"}, {3, "FPE_FLTDIV"},
                             {4, "FPE_FLTOVF"},   {5, "FPE_FLTUND"}, {6, "FPE_FLTRES"},
                             {7, "FPE_FLTINV"},   {8, "FPE_FLTSUB"}, {14, "FPE_FLTUNK"},
                             {15, "FPE_CONDTRAP"}};
constexpr CodeName kSegv[] = {{1, "SEGV_MAPERR"},  {2, "SEGV_ACCERR"},  {3, "SEGV_BNDERR"},
                              {4, "SEGV_PKUERR"},  {5, "SEGV_ACCADI"},  {6, "SEGV_ADIDERR"},
                              {7, "SEGV_ADIPERR"}, {8, "SEGV_MTEAERR"}, {9, "SEGV_MTESERR"}};
constexpr CodeName kBus[] = {{1, "BUS_ADRALN"},
                             {2, "BUS_ADRERR"},
                             {3, "BUS_OBJERR"},
                             {4, "BUS_MCEERR_AR"},
                             {5, "BUS_MCEERR_AO"}};
constexpr CodeName kTrap[] = {{1, "TRAP_BRKPT"},  {2, "TRAP_TRACE"}, {3, "TRAP_BRANCH"},
                              {4, "TRAP_HWBKPT"}, {5, "TRAP_UNK"},   {6, "TRAP_PERF"}};
constexpr CodeName kChld[] = {{1, "CLD_EXITED"},  {2, "CLD_KILLED"},  {3, "CLD_DUMPED"},
                              {4, "CLD_TRAPPED"}, {5, "CLD_STOPPED"}, {6, "CLD_CONTINUED"}};
constexpr CodeName kPollCodes[] = {{1, "POLL_IN"},  {2, "POLL_OUT"}, {3, "POLL_MSG"},
                                   {4, "POLL_ERR"}, {5, "POLL_PRI"}, {6, "POLL_HUP"}};
constexpr CodeName kSys[] = {{1, "SYS_SECCOMP"}, {2, "SYS_USER_DISPATCH"}};

std::span<const CodeName> codes_of(int signal) {
  switch (signal) {
    case SIGILL:
      return kIll;
    case SIGFPE:
      return kFpe;
    case SIGSEGV:
      return kSegv;
    case SIGBUS:
      return kBus;
    case SIGTRAP:
      return kTrap;
    case SIGCHLD:
      return kChld;
    case SIGPOLL:
      return kPollCodes;
    case SIGSYS:
      return kSys;
    default:
      return {};
  }
}

void append_code(std::string& out, int signal, int code) {
  std::string_view name = enum_name(FlagTable::SiCode, static_cast<uint64_t>(code));
  for (const CodeName& row : codes_of(signal)) {
    if (name.empty() && row.code == code) name = row.name;
  }
  if (!name.empty()) {
    out += name;
    return;
  }
  append_hex(out, static_cast<uint32_t>(code));
}

void append_sender(std::string& out, const siginfo_t& info) {
  out += ", si_pid=";
  append_dec(out, info.si_pid);
  out += ", si_uid=";
  append_id(out, info.si_uid);
}

void append_value(std::string& out, const sigval& value) {
  out += ", si_int=";
  append_dec(out, value.sival_int);
  out += ", si_ptr=";
  append_pointer(out, reinterpret_cast<uint64_t>(value.sival_ptr));
}

void append_child(std::string& out, const siginfo_t& info) {
  append_sender(out, info);
  out += ", si_status=";
  if (info.si_code == CLD_EXITED) {
    append_dec(out, info.si_status);
  } else {
    append_signal(out, info.si_status);
  }
  out += ", si_utime=";
  append_ticks(out, info.si_utime);
  out += ", si_stime=";
  append_ticks(out, info.si_stime);
}

void append_seccomp(std::string& out, const siginfo_t& info) {
  constexpr uint32_t kArchX8664 = 0xc000003e;
  out += ", si_call_addr=";
  append_pointer(out, reinterpret_cast<uint64_t>(info.si_call_addr));
  out += ", si_syscall=__NR_";
  out += syscall_spec(static_cast<uint32_t>(info.si_syscall)).name;
  out += ", si_arch=";
  if (info.si_arch == kArchX8664) {
    out += "AUDIT_ARCH_X86_64";
  } else {
    append_hex(out, info.si_arch);
  }
}

// Which key refused the access: SEGV_PKUERR.
void append_protection_key(std::string& out, const siginfo_t& info) {
  constexpr int kKeyRefused = 4;
  if (info.si_signo != SIGSEGV || info.si_code != kKeyRefused) return;
  out += ", si_pkey=";
  append_udec(out, info.si_pkey);
}

// Codes that only the kernel gives, with a union member that belongs to the signal.
void append_kernel_part(std::string& out, const siginfo_t& info) {
  switch (info.si_signo) {
    case SIGCHLD:
      return append_child(out, info);
    case SIGILL:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
    case SIGTRAP:
      out += ", si_addr=";
      append_pointer(out, reinterpret_cast<uint64_t>(info.si_addr));
      return append_protection_key(out, info);
    case SIGPOLL:
      out += ", si_band=";
      append_dec(out, info.si_band);
      out += ", si_fd=";
      return append_dec(out, info.si_fd);
    case SIGSYS:
      return append_seccomp(out, info);
    default:
      if (info.si_pid != 0 || info.si_uid != 0) append_sender(out, info);
      if (info.si_value.sival_ptr != nullptr) append_value(out, info.si_value);
  }
}

void append_sent_part(std::string& out, const siginfo_t& info) {
  switch (info.si_code) {
    case SI_USER:
    case SI_TKILL:
      return append_sender(out, info);
    case SI_TIMER:
      out += ", si_timerid=";
      append_hex(out, static_cast<uint32_t>(info.si_timerid));
      out += ", si_overrun=";
      append_dec(out, info.si_overrun);
      return append_value(out, info.si_value);
    default:
      append_sender(out, info);
      if (info.si_value.sival_ptr != nullptr) append_value(out, info.si_value);
  }
}

void append_siginfo(std::string& out, const siginfo_t& info) {
  if (info.si_signo == 0) {
    out += "{}";
    return;
  }
  out += "{si_signo=";
  append_signal(out, info.si_signo);
  out += ", si_code=";
  append_code(out, info.si_signo, info.si_code);
  if (info.si_errno != 0) {
    out += ", si_errno=";
    const std::string_view name = errno_name(info.si_errno);
    if (name.empty()) {
      append_udec(out, static_cast<uint32_t>(info.si_errno));
    } else {
      out += name;
    }
  }
  // User space may send positive codes only to itself; such a message carries a sender.
  if (info.si_code <= 0) {
    append_sent_part(out, info);
  } else {
    append_kernel_part(out, info);
  }
  out += '}';
}

}  // namespace

void append_siginfo_at(std::string& out, const DecodeContext& context, uint64_t address) {
  siginfo_t info;
  static_assert(sizeof info == 128);
  if (!fetch(context, address, info)) return append_pointer(out, address);
  append_siginfo(out, info);
}

std::string siginfo_text(const void* siginfo) {
  siginfo_t info;
  std::memcpy(&info, siginfo, sizeof info);
  std::string out;
  append_siginfo(out, info);
  return out;
}

}  // namespace wc
