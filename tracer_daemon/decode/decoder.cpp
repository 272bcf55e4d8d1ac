// The two passes over a call's arguments. Which function decodes a kind, and when,
// is the table below.
#include "decode/decoder.h"

#include <array>

#include "decode/args.h"

namespace wc {
namespace {

enum class When : uint8_t {
  Entry,
  Exit,        // written by the call: an address when it failed
  ExitAlways,  // decoded at exit even after a failure
  Both,        // decoded at entry, completed at exit
};

struct KindRow {
  void (*decode)(const Arg&, DecodedArg&) = decode_simple;
  When when = When::Entry;
};

using KindTable = std::array<KindRow, static_cast<size_t>(ArgKind::Count)>;

// What the machine and its devices take: fewer programs have them.
constexpr void add_rarer_kinds(KindTable& table) {
  const auto set = [&table](KindRow row, std::initializer_list<ArgKind> kinds) {
    for (const ArgKind kind : kinds) table[static_cast<size_t>(kind)] = row;
  };
  using K = ArgKind;
  set({decode_system, When::Entry},
      {K::Sembuf, K::IpcFlags, K::IpcKey, K::FutexOp, K::WakeOp, K::Ioctl, K::Flock, K::MessageIn});
  set({decode_system, When::Exit}, {K::Utsname, K::Sysinfo, K::Tms, K::FlockOut, K::MessageOut});
  set({decode_memory, When::Exit}, {K::MincoreOut});
  set({decode_terminal, When::Entry}, {K::Winsize, K::Termios});
  set({decode_terminal, When::Exit}, {K::WinsizeOut, K::TermiosOut});
  set({decode_struct, When::Entry}, {K::StructIn, K::StructsIn, K::Iocbs, K::FutexPair});
  set({decode_struct, When::Exit}, {K::StructOut, K::StructsOut});
  set({decode_struct, When::ExitAlways}, {K::Ifreq});
  set({decode_struct, When::Both}, {K::IoUringParams, K::SchedAttrIn});
  set({decode_link, When::ExitAlways}, {K::IfreqAddress, K::IfreqHardware});
  set({decode_packed, When::Entry}, {K::EtherType, K::Ioprio, K::QuotaCmd, K::SyslogAction, K::Fds,
                                     K::EnumIn, K::FlagsIn, K::LogLevel, K::ResumedCall});
  set({decode_packed, When::Exit}, {K::SignalOut, K::FlagsOut, K::EnumOut, K::TimeOut});
  set({decode_numa, When::Entry}, {K::NodeMask, K::Addresses, K::Ints});
  set({decode_numa, When::Exit}, {K::NodeMaskOut, K::PolicyOut, K::UlongsOut});
  set({decode_numa, When::ExitAlways}, {K::PageStatusOut});
  set({decode_rare, When::Entry},
      {K::SwapFlags, K::KexecSegments, K::KexecFlags, K::TextIn, K::HostNameIn, K::UserDesc,
       K::FanotifyInit, K::FanotifyDir, K::FileHandle, K::MemfdName, K::OtherFd, K::TaskName,
       K::VmaName, K::RebootName, K::FsParameter, K::Entropy});
  set({decode_rare, When::Both}, {K::FileHandleOut});
  set({decode_prctl, When::Entry}, {K::PrctlWord});
  set({decode_perf, When::Both}, {K::PerfAttr});
}

constexpr KindTable make_kinds() {
  KindTable table{};
  const auto set = [&table](KindRow row, std::initializer_list<ArgKind> kinds) {
    for (const ArgKind kind : kinds) table[static_cast<size_t>(kind)] = row;
  };
  using K = ArgKind;
  set({decode_simple, When::Exit},
      {K::IntOut, K::UidOut, K::IntPairOut, K::UlongOut, K::HexOut, K::GroupsOut});
  set({decode_simple, When::Both}, {K::LongInOut, K::UlongInOut, K::SocklenInOut});
  set({decode_string, When::Entry},
      {K::Path, K::String, K::WideString, K::Format, K::ScanFormat, K::BufferIn, K::BufferInText,
       K::Argv, K::Envp, K::StringResult});
  set({decode_string, When::Exit},
      {K::BufferOut, K::BufferOutText, K::BufferOutHex, K::StringOut, K::NameList});
  set({decode_stat, When::Exit}, {K::Stat, K::Statx, K::Statfs, K::Dirents});
  set({decode_time, When::Entry}, {K::Timespec, K::Timeval, K::Timezone, K::TimespecPair,
                                   K::TimevalPair, K::Utimbuf, K::Itimerval, K::Itimerspec});
  set({decode_time, When::Exit},
      {K::TimespecOut, K::TimevalOut, K::TimezoneOut, K::ItimervalOut, K::ItimerspecOut});
  set({decode_time, When::ExitAlways}, {K::TimespecRemain});
  set({decode_signal, When::Entry},
      {K::Sigset, K::Sigaction, K::SigStack, K::Sigevent, K::SigmaskArg, K::Siginfo,
       K::SigreturnFrame, K::Handler, K::LibcSigaction});
  set({decode_signal, When::Exit}, {K::SigsetOut, K::SigactionOut, K::SigStackOut, K::SiginfoOut,
                                    K::LibcSigactionOut, K::PendingSigset});
  set({decode_network, When::Entry}, {K::Sockaddr, K::Iovec, K::IovecAddr, K::Msghdr});
  set({decode_network, When::Exit}, {K::MsgVecOut});
  set({decode_network, When::Both}, {K::SockaddrOut, K::MsghdrOut, K::MsgVec});
  set({decode_network, When::ExitAlways}, {K::IovecOut});
  set({decode_sockopt, When::Entry}, {K::SockoptName, K::SockoptIn});
  set({decode_sockopt, When::Exit}, {K::SockoptOut});
  set({decode_poll, When::Entry}, {K::Pollfd, K::EpollEvent, K::FdSet});
  set({decode_poll, When::Exit}, {K::EpollEventOut});
  set({decode_process, When::Entry},
      {K::Rlimit, K::CpuSet, K::SchedParam, K::CapHeader, K::CapData});
  set({decode_process, When::Exit}, {K::RlimitOut, K::Rusage, K::ChildRusage, K::WaitStatus,
                                     K::CpuSetOut, K::SchedParamOut, K::CapDataOut});
  set({decode_clone, When::Entry}, {K::CloneStack, K::CloneFlags, K::CloneFlagsNamed, K::CloneTls,
                                    K::CloneChildTid, K::OpenHow});
  set({decode_clone, When::ExitAlways}, {K::CloneParentTid});
  set({decode_clone, When::Both}, {K::CloneArgs});
  add_rarer_kinds(table);
  return table;
}

constexpr KindTable kKinds = make_kinds();

const KindRow& kind_row(ArgKind kind) {
  const auto index = static_cast<size_t>(kind);
  return kKinds[index < kKinds.size() ? index : 0];
}

uint64_t word_at(std::span<const uint64_t> words, size_t i) {
  return i < words.size() ? words[i] : 0;
}

// By the kind of result: kernel errors are -4095..-1 in any width, functions fail with -1, NULL
// or an errno value.
bool has_failed(const ArgSpec& result, uint64_t ret) {
  constexpr int64_t kMaxErrno = 4095;
  const auto as_long = static_cast<int64_t>(ret);
  const auto as_int = static_cast<int32_t>(ret);
  switch (result.kind) {
    case ArgKind::FdResult:
    case ArgKind::IntResult:
      return as_int < 0 && as_int >= -kMaxErrno;
    case ArgKind::LongResult:
    case ArgKind::HexResult:
    case ArgKind::ModeResult:
      return as_long < 0 && as_long >= -kMaxErrno;
    case ArgKind::PointerResult:
      return ret == 0 || (as_long < 0 && as_long >= -kMaxErrno);
    case ArgKind::StringResult:
      return ret == 0;
    case ArgKind::ErrnoResult:
      return as_int != 0;
    default:
      return false;
  }
}

}  // namespace

void decode_entry_args(const DecodeContext& context, std::span<const ArgSpec> specs,
                       std::span<const uint64_t> words, std::vector<DecodedArg>& out) {
  const ArgList list = resolve_args(specs, words);
  out.resize(list.count);
  for (size_t i = 0; i < list.count; i++) {
    const ArgSlot& slot = list.slots[i];
    DecodedArg& to = out[i];
    to.text.clear();
    to.data.clear();
    to.is_string = false;
    const KindRow& row = kind_row(slot.spec.kind);
    to.is_open = row.when != When::Entry;
    if (row.when != When::Entry && row.when != When::Both) continue;
    row.decode(
        {.context = context, .words = words, .spec = slot.spec, .word = word_at(words, slot.word)},
        to);
  }
}

void decode_exit_args(const DecodeContext& context, std::span<const ArgSpec> specs,
                      std::span<const uint64_t> words, const ArgSpec& result, uint64_t ret,
                      std::vector<DecodedArg>& inout) {
  const ArgList list = resolve_args(specs, words);
  const bool failed = has_failed(result, ret);
  // A printf-like call has more arguments than rows: those behind them stay as they are.
  if (inout.size() < list.count) inout.resize(list.count);
  for (size_t i = 0; i < list.count; i++) {
    const ArgSlot& slot = list.slots[i];
    const KindRow& row = kind_row(slot.spec.kind);
    if (row.when == When::Entry) continue;
    DecodedArg& to = inout[i];
    if (row.when != When::Both) to.text.clear();
    const uint64_t word = word_at(words, slot.word);
    if (row.when == When::Exit && failed) {
      append_pointer(to.text, word);
      continue;
    }
    row.decode({.context = context,
                .words = words,
                .spec = slot.spec,
                .word = word,
                .at_exit = true,
                .ret = ret,
                .failed = failed},
               to);
  }
}

void join_args(std::span<const DecodedArg> args, std::string& out) {
  out.clear();
  for (const DecodedArg& arg : args) {
    if (!out.empty()) out += ", ";
    out += arg.text;
  }
}

std::string join_args(std::span<const DecodedArg> args) {
  std::string out;
  join_args(args, out);
  return out;
}

std::string join_known_args(std::span<const DecodedArg> args) {
  std::string out;
  for (const DecodedArg& arg : args) {
    if (&arg != args.data()) out += ", ";
    out += arg.text;
    if (arg.is_open) break;
  }
  return out;
}

}  // namespace wc
