// Calls that are many calls in one: what the arguments behind a command are.
#include <linux/bpf.h>
#include <linux/keyctl.h>

#include <iterator>

#include "decode/dependent.h"

namespace wc {
namespace {

// What is done with the third argument of an ioctl.
struct IoctlRow {
  uint32_t request;
  ArgKind kind;  // Omitted: it has none
  uint8_t aux = 0;
};

constexpr uint8_t of(StructId id) { return static_cast<uint8_t>(id); }
constexpr uint8_t of(FlagTable table) { return static_cast<uint8_t>(table); }

constexpr IoctlRow kIoctls[] = {
    {0x5401, ArgKind::TermiosOut},                               // TCGETS
    {0x5402, ArgKind::Termios},                                  // TCSETS
    {0x5403, ArgKind::Termios},                                  // TCSETSW
    {0x5404, ArgKind::Termios},                                  // TCSETSF
    {0x5413, ArgKind::WinsizeOut},                               // TIOCGWINSZ
    {0x5414, ArgKind::Winsize},                                  // TIOCSWINSZ
    {0x541b, ArgKind::IntOut},                                   // FIONREAD
    {0x5411, ArgKind::IntOut},                                   // TIOCOUTQ
    {0x540f, ArgKind::IntOut},                                   // TIOCGPGRP
    {0x5429, ArgKind::IntOut},                                   // TIOCGSID
    {0x5424, ArgKind::IntOut},                                   // TIOCGETD
    {0x80045430, ArgKind::IntOut},                               // TIOCGPTN
    {0x80045439, ArgKind::IntOut},                               // TIOCGPTLCK
    {0x1268, ArgKind::IntOut},                                   // BLKSSZGET
    {0x5421, ArgKind::IntIn},                                    // FIONBIO
    {0x5452, ArgKind::IntIn},                                    // FIOASYNC
    {0x5410, ArgKind::IntIn},                                    // TIOCSPGRP
    {0x5420, ArgKind::IntIn},                                    // TIOCPKT
    {0x40045431, ArgKind::IntIn},                                // TIOCSPTLCK
    {0x80081272, ArgKind::UlongOut},                             // BLKGETSIZE64
    {0x5409, ArgKind::Int},                                      // TCSBRK
    {0x540e, ArgKind::Int},                                      // TIOCSCTTY
    {0x40049409, ArgKind::Int},                                  // FICLONE
    {0x540a, ArgKind::Enum, of(FlagTable::TcflowAction)},        // TCXONC
    {0x540b, ArgKind::Enum, of(FlagTable::TcflushQueue)},        // TCFLSH
    {0x80086601, ArgKind::FlagsOut, of(FlagTable::InodeFlags)},  // FS_IOC_GETFLAGS
    {0x8913, ArgKind::Ifreq, of(StructId::IfreqFlags)},          // SIOCGIFFLAGS
    {0x891d, ArgKind::Ifreq, of(StructId::IfreqMetric)},         // SIOCGIFMETRIC
    {0x8921, ArgKind::Ifreq, of(StructId::IfreqMtu)},            // SIOCGIFMTU
    {0x8933, ArgKind::Ifreq, of(StructId::IfreqIndex)},          // SIOCGIFINDEX
    {0x8915, ArgKind::IfreqAddress},                             // SIOCGIFADDR
    {0x8927, ArgKind::IfreqHardware},                            // SIOCGIFHWADDR
    {0x540c, ArgKind::Omitted},                                  // TIOCEXCL
    {0x540d, ArgKind::Omitted},                                  // TIOCNXCL
    {0x5422, ArgKind::Omitted},                                  // TIOCNOTTY
    {0x5450, ArgKind::Omitted},                                  // FIONCLEX
    {0x5451, ArgKind::Omitted},                                  // FIOCLEX
};

enum PrctlOp : uint32_t {
  kSetPdeathsig = 1,
  kGetPdeathsig = 2,
  kGetDumpable = 3,
  kSetDumpable = 4,
  kGetKeepcaps = 7,
  kSetKeepcaps = 8,
  kSetName = 15,
  kGetName = 16,
  kGetSeccomp = 21,
  kSetSeccomp = 22,
  kCapbsetRead = 23,
  kCapbsetDrop = 24,
  kGetTsc = 25,
  kGetSecurebits = 27,
  kSetTimerslack = 29,
  kGetTimerslack = 30,
  kSetSubreaper = 36,
  kGetSubreaper = 37,
  kSetNoNewPrivs = 38,
  kGetNoNewPrivs = 39,
  kCapAmbient = 47,
  kSyscallDispatch = 59,
  kSetVma = 0x53564d41,
  kSetPtracer = 0x59616d61,
  kGetTidAddress = 40,
  kGetThpDisable = 42
};

}  // namespace

void resolve_ioctl(Builder& b, size_t request) {
  const auto word = static_cast<uint32_t>(b.word(request));
  for (const IoctlRow& row : kIoctls)
    if (row.request == word) return b.set(request + 1, ArgSpec{row.kind, row.aux});
}

namespace {

// prctl(2)s with one argument, and how it is shown.
struct PrctlRow {
  uint32_t op;
  ArgKind kind;
  FlagTable table = FlagTable::None;
};
constexpr PrctlRow kPrctls[] = {
    {kSetPdeathsig, ArgKind::Signal},
    {kGetPdeathsig, ArgKind::SignalOut},
    {kGetTsc, ArgKind::EnumOut, FlagTable::TscMode},
    {kGetSubreaper, ArgKind::IntOut},
    {kSetName, ArgKind::String},
    {kGetName, ArgKind::StringOut},
    {kSetDumpable, ArgKind::Enum, FlagTable::PrctlDumpable},
    {kSetPtracer, ArgKind::Int},
    {kSetKeepcaps, ArgKind::Ulong},
    {kSetTimerslack, ArgKind::Ulong},
    {kSetSubreaper, ArgKind::Ulong},
    {kCapbsetRead, ArgKind::Enum, FlagTable::Capability},
    {kCapbsetDrop, ArgKind::Enum, FlagTable::Capability},
    {kGetTidAddress, ArgKind::HexOut},
};

bool has_no_argument(uint32_t op) {
  return op == kGetDumpable || op == kGetKeepcaps || op == kGetSeccomp || op == kGetSecurebits ||
         op == kGetTimerslack;
}

}  // namespace

void resolve_prctl(Builder& b, size_t op) {
  const size_t arg = op + 1;
  const auto which = static_cast<uint32_t>(b.word(op));
  for (const PrctlRow& row : kPrctls) {
    if (row.op != which) continue;
    b.set(arg, row.kind, row.table);
    return b.cut(arg + 1);
  }
  if (has_no_argument(which)) return b.cut(arg);
  switch (which) {
    case kCapAmbient:
      b.set_enum(arg, FlagTable::PrctlAmbient);
      return b.set_enum(arg + 1, FlagTable::Capability);
    case kSyscallDispatch:
      b.set_enum(arg, FlagTable::PrctlDispatch);
      return b.set(arg + 3, ArgKind::Pointer);
    case kSetVma:
      b.set_enum(arg, FlagTable::PrctlVma);
      b.set(arg + 1, ArgKind::Pointer);
      b.set(arg + 2, ArgKind::Ulong);
      return b.set(arg + 3, ArgKind::String);
    case kSetSeccomp:
      b.set_enum(arg, FlagTable::SeccompMode);
      b.set(arg + 1, ArgKind::StructIn, StructId::SockFprog);
      return b.cut(b.word(arg) == 2 ? arg + 2 : arg + 1);
    case kSetNoNewPrivs:
      return b.set(arg, ArgKind::Ulong);
    default:
      return;
  }
}

void resolve_bpf(Builder& b, size_t command) {
  const size_t attr = command + 1;
  switch (static_cast<uint32_t>(b.word(command))) {
    case BPF_MAP_CREATE:
      return b.set(attr, ArgKind::StructIn, StructId::BpfMapCreate);
    case BPF_MAP_LOOKUP_ELEM:
    case BPF_MAP_UPDATE_ELEM:
      return b.set(attr, ArgKind::StructIn, StructId::BpfElement);
    case BPF_MAP_DELETE_ELEM:
      return b.set(attr, ArgKind::StructIn, StructId::BpfKey);
    case BPF_PROG_LOAD:
      return b.set(attr, ArgKind::StructIn, StructId::BpfProgLoad);
    case BPF_OBJ_PIN:
    case BPF_OBJ_GET:
      return b.set(attr, ArgKind::StructIn, StructId::BpfObject);
    default:
      return;
  }
}

void resolve_seccomp(Builder& b, size_t op) {
  constexpr uint32_t kSetFilter = 1, kActionAvailable = 2;
  const size_t arg = op + 2;
  const auto word = static_cast<uint32_t>(b.word(op));
  if (word == kSetFilter) b.set(arg, ArgKind::StructIn, StructId::SockFprog);
  if (word == kActionAvailable) b.set(arg, ArgKind::EnumIn, FlagTable::SeccompAction);
}

// The slots are fd, command, key, value, aux.
void resolve_fsconfig(Builder& b, size_t command) {
  enum : uint32_t { kString = 1, kBinary = 2, kPath = 3, kPathEmpty = 4, kFd = 5 };
  const size_t value = command + 2, aux = command + 3;
  switch (static_cast<uint32_t>(b.word(command))) {
    case kString:
      return b.set(value, ArgKind::String);
    case kBinary:
      return b.set(value, ArgSpec{ArgKind::BufferIn, static_cast<uint8_t>(aux)});
    case kPath:
    case kPathEmpty:
      b.set(value, ArgKind::Path);
      return b.set(aux, ArgKind::DirFd);
    case kFd:
      return b.set(aux, ArgKind::Fd);
    default:
      return;
  }
}

void resolve_io_uring_register(Builder& b, size_t op) {
  enum : uint32_t { kBuffers = 0, kFiles = 2, kEventfd = 4, kEventfdAsync = 7 };
  const size_t arg = op + 1;
  const auto count = static_cast<uint8_t>(op + 2);
  switch (static_cast<uint32_t>(b.word(op))) {
    case kBuffers:
      return b.set(arg, ArgSpec{ArgKind::IovecAddr, count});
    case kFiles:
    case kEventfd:
    case kEventfdAsync:
      return b.set(arg, ArgSpec{ArgKind::Fds, count});
    default:
      return;
  }
}

// IPC_STAT of shmctl, semctl and msgctl, told apart by the table of their commands.
void resolve_ipc(Builder& b, size_t command) {
  constexpr uint32_t kStat = 2;
  if (static_cast<uint32_t>(b.word(command)) != kStat) return;
  const FlagTable table{b.spec(command).aux};
  b.set(command + 1, ArgKind::StructOut,
        table == FlagTable::IpcCmd   ? StructId::Shmid
        : table == FlagTable::SemCmd ? StructId::Semid
                                     : StructId::Msqid);
}

void resolve_keyctl(Builder& b, size_t op) {
  const size_t first = op + 1;
  switch (static_cast<uint32_t>(b.word(op))) {
    case KEYCTL_GET_KEYRING_ID:
      b.set_enum(first, FlagTable::KeySpec);
      b.set(first + 1, ArgKind::Int);
      return b.cut(first + 2);
    case KEYCTL_JOIN_SESSION_KEYRING:
      b.set(first, ArgKind::String);
      return b.cut(first + 1);
    case KEYCTL_REVOKE:
    case KEYCTL_CLEAR:
    case KEYCTL_INVALIDATE:
      b.set_enum(first, FlagTable::KeySpec);
      return b.cut(first + 1);
    case KEYCTL_LINK:
    case KEYCTL_UNLINK:
      b.set_enum(first, FlagTable::KeySpec);
      b.set_enum(first + 1, FlagTable::KeySpec);
      return b.cut(first + 2);
    case KEYCTL_SETPERM:
      b.set_enum(first, FlagTable::KeySpec);
      return b.cut(first + 2);
    default:
      return;
  }
}

// Most actions take neither buffer nor length.
void resolve_syslog(Builder& b, size_t action) {
  enum : uint32_t { kRead = 2, kReadAll = 3, kReadClear = 4, kConsoleLevel = 8 };
  switch (static_cast<uint32_t>(b.word(action))) {
    case kRead:
    case kReadAll:
    case kReadClear:
    case kConsoleLevel:
      return;
    default:
      return b.cut(action + 1);
  }
}

}  // namespace wc
