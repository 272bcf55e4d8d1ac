// Arguments whose meaning depends on other arguments. A row says what each argument
// is; this says what it is in this call, and which ones strace leaves out.
#include "decode/dependent.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>

namespace wc {
namespace {

void resolve_open(Builder& b, size_t flags) {
  if (!b.is(flags + 1, ArgKind::Mode)) return;
  constexpr uint64_t kTemporary = O_TMPFILE & ~O_DIRECTORY;
  if ((b.word(flags) & (O_CREAT | kTemporary)) == 0) b.cut(flags + 1);
}

void resolve_fcntl(Builder& b, size_t command) {
  const size_t arg = command + 1;
  switch (static_cast<int32_t>(b.word(command))) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
    case F_SETPIPE_SZ:
    case F_SETOWN:
      return b.set(arg, ArgKind::Int);
    case F_SETFD:
      return b.set(arg, FlagTable::FdFlags);
    case F_SETFL:
      return b.set(arg, FlagTable::OpenFlags);
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return b.set(arg, ArgKind::Flock);
    case F_GETLK:
    case F_OFD_GETLK:
      return b.set(arg, ArgKind::FlockOut);
    case F_SETOWN_EX:
      return b.set(arg, ArgKind::StructIn, StructId::OwnerEx);
    case F_GETOWN_EX:
      return b.set(arg, ArgKind::StructOut, StructId::OwnerEx);
    case F_SETSIG:
      return b.set(arg, ArgKind::Signal);
    case F_SETLEASE:
      return b.set_enum(arg, FlagTable::LeaseType);
    case F_NOTIFY:
      return b.set(arg, FlagTable::NotifyFlags);
    case F_ADD_SEALS:
      return b.set(arg, FlagTable::SealFlags);
    case F_GETFD:
    case F_GETFL:
    case F_GETOWN:
    case F_GETSIG:
    case F_GETLEASE:
    case F_GETPIPE_SZ:
    case F_GET_SEALS:
      return b.cut(arg);
    default:
      return;
  }
}

enum FutexCommand : uint32_t {
  kWait,
  kWake,
  kFutexFd,
  kRequeue,
  kCmpRequeue,
  kWakeOp,
  kLockPi,
  kUnlockPi,
  kTrylockPi,
  kWaitBitset,
  kWakeBitset,
  kWaitRequeuePi,
  kCmpRequeuePi,
  kLockPi2
};

// The slots are uaddr, op, val, timeout or val2, uaddr2, val3.
void resolve_futex(Builder& b, size_t op) {
  constexpr uint32_t kModifiers = 128 | 256;  // private, realtime
  const size_t val = op + 1, val2 = op + 2, address2 = op + 3, val3 = op + 4;
  switch (static_cast<uint32_t>(b.word(op)) & ~kModifiers) {
    case kWait:
      return b.cut(val2 + 1);
    case kWake:
      return b.cut(val + 1);
    case kFutexFd:
      b.set(val, ArgKind::Signal);
      return b.cut(val + 1);
    case kWaitBitset:
      b.set_enum(val3, FlagTable::FutexBitset);
      b.set(address2, ArgKind::Omitted);
      return;
    case kWakeBitset:
      b.set_enum(val3, FlagTable::FutexBitset);
      b.set(val2, ArgKind::Omitted);
      b.set(address2, ArgKind::Omitted);
      return;
    case kRequeue:
      b.set(val2, ArgKind::Uint);
      return b.cut(address2 + 1);
    case kCmpRequeue:
    case kCmpRequeuePi:
      b.set(val2, ArgKind::Uint);
      return b.set(val3, ArgKind::Uint);
    case kWakeOp:
      b.set(val2, ArgKind::Uint);
      return b.set(val3, ArgKind::WakeOp);
    case kLockPi:
    case kLockPi2:
      b.set(val, ArgKind::Omitted);
      return b.cut(val2 + 1);
    case kUnlockPi:
    case kTrylockPi:
      return b.cut(val);
    case kWaitRequeuePi:
      return b.cut(address2 + 1);
    default:
      b.set(val2, ArgKind::Pointer);
      return;
  }
}

void resolve_socket(Builder& b, size_t domain) {
  constexpr uint32_t kInet = 2, kInet6 = 10, kNetlink = 16, kPacket = 17;
  const size_t protocol = domain + 2;
  if (!b.is(protocol, ArgKind::Enum, FlagTable::SocketProtocol)) return;
  switch (static_cast<uint32_t>(b.word(domain))) {
    case kInet:
    case kInet6:
      return;
    case kNetlink:
      return b.set_enum(protocol, FlagTable::NetlinkProtocol);
    case kPacket:
      return b.set(protocol, ArgKind::EtherType);
    default:
      return b.set(protocol, ArgKind::Uint);
  }
}

// clone(flags, stack, parent_tid, child_tid, tls) is printed with the stack first and tls before
// child_tid, and what the flags make meaningless is left out.
void resolve_clone(Builder& b) {
  constexpr uint64_t kPidfd = 0x1000, kSetTls = 0x80000, kParentSettid = 0x100000;
  constexpr uint64_t kChildCleartid = 0x200000, kChildSettid = 0x1000000;
  const uint64_t flags = b.word(0);
  b.swap(0, 1);
  b.swap(3, 4);
  if ((flags & (kParentSettid | kPidfd)) == 0) b.set(2, ArgKind::Omitted);
  if ((flags & kSetTls) == 0) b.set(3, ArgKind::Omitted);
  if ((flags & (kChildCleartid | kChildSettid)) == 0) b.set(4, ArgKind::Omitted);
}

void resolve_ptrace(Builder& b, size_t request) {
  const size_t address = request + 2, data = request + 3;
  switch (static_cast<uint32_t>(b.word(request))) {
    case 0:  // PTRACE_TRACEME
      return b.cut(request + 1);
    case 0x4200:  // PTRACE_SETOPTIONS
    case 0x4206:  // PTRACE_SEIZE
      return b.set(data, FlagTable::PtraceOptions);
    case 7:   // PTRACE_CONT
    case 9:   // PTRACE_SINGLESTEP
    case 17:  // PTRACE_DETACH
    case 24:  // PTRACE_SYSCALL
      return b.set(data, ArgKind::Signal);
    case 8:       // PTRACE_KILL
    case 0x4207:  // PTRACE_INTERRUPT
    case 16:      // PTRACE_ATTACH
    case 0x4208:  // PTRACE_LISTEN
      return b.cut(address);
    default:
      return;
  }
}

// The slots are pid1, pid2, type, idx1, idx2.
void resolve_kcmp(Builder& b, size_t type) {
  enum : uint32_t { kFile, kVm, kEpollTarget = 7 };
  const auto which = static_cast<uint32_t>(b.word(type));
  if (which > kEpollTarget) return;
  if (which >= kVm && which < kEpollTarget) return b.cut(type + 1);
  b.set(type + 1, {ArgKind::OtherFd, static_cast<uint16_t>(type - 2)});
  if (which == kFile) return b.set(type + 2, {ArgKind::OtherFd, static_cast<uint16_t>(type - 1)});
  b.set(type + 2, ArgKind::StructIn, StructId::KcmpEpollSlot);
}

void resolve_reboot(Builder& b, size_t command) {
  constexpr uint32_t kRestart2 = 0xa1b2c3d4;
  if (static_cast<uint32_t>(b.word(command)) != kRestart2) b.cut(command + 1);
}

void resolve_enum(Builder& b, size_t i) {
  constexpr uint64_t kArchGetFs = 0x1003, kArchGetGs = 0x1004, kArchGetCpuid = 0x1011;
  switch (FlagTable{b.spec(i).aux}) {
    case FlagTable::PrctlOp:
      return resolve_prctl(b, i);
    case FlagTable::SocketDomain:
      return resolve_socket(b, i);
    case FlagTable::ArchPrctlOp:
      if (b.word(i) == kArchGetCpuid) return b.cut(i + 1);
      if (b.word(i) == kArchGetFs || b.word(i) == kArchGetGs) return b.set(i + 1, ArgKind::HexOut);
      return b.set(i + 1, ArgKind::Hex);
    case FlagTable::EpollOp:
      // EPOLL_CTL_DEL ignores the event.
      if (static_cast<uint32_t>(b.word(i)) == 2) b.set(i + 2, ArgKind::Pointer);
      return;
    case FlagTable::MembarrierCmd:
      if (b.word(i + 1) == 0) b.cut(i + 2);  // the CPU counts only with its flag
      return;
    case FlagTable::PtraceRequest:
      return resolve_ptrace(b, i);
    case FlagTable::KeyctlOp:
      return resolve_keyctl(b, i);
    case FlagTable::BpfCmd:
      return resolve_bpf(b, i);
    case FlagTable::SeccompOp:
      return resolve_seccomp(b, i);
    case FlagTable::FsconfigCmd:
      return resolve_fsconfig(b, i);
    case FlagTable::IoUringRegister:
      return resolve_io_uring_register(b, i);
    case FlagTable::IpcCmd:
    case FlagTable::SemCmd:
    case FlagTable::MsgCmd:
      return resolve_ipc(b, i);
    case FlagTable::RebootCmd:
      return resolve_reboot(b, i);
    case FlagTable::KcmpType:
      return resolve_kcmp(b, i);
    default:
      return;
  }
}

// The kernel does not look at the type or the data of a mount that only changes or moves one.
void resolve_mount(Builder& b, size_t flags) {
  constexpr uint64_t kMagicMask = 0xffff0000, kMagic = 0xc0ed0000, kRemount = 32;
  constexpr uint64_t kBindMoveOrPropagation = 4096 | 8192 | 0x20000 | 0x40000 | 0x80000 | 0x100000;
  if (!b.is(flags + 1, ArgKind::String)) return;
  uint64_t word = b.word(flags);
  if ((word & kMagicMask) == kMagic) word &= ~kMagicMask;
  const bool remount = (word & kRemount) != 0;
  const bool no_data = !remount && (word & kBindMoveOrPropagation) != 0;
  if (remount || no_data) b.set(flags - 1, ArgKind::Pointer);
  if (no_data) b.set(flags + 1, ArgKind::Pointer);
}

void resolve_flags(Builder& b, size_t i) {
  switch (FlagTable{b.spec(i).aux}) {
    case FlagTable::OpenFlags:
    case FlagTable::MqOpenFlags:
      return resolve_open(b, i);
    case FlagTable::MremapFlags:
      if ((b.word(i) & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0) b.cut(i + 1);
      return;
    case FlagTable::Personality:
      // All ones asks for the present one.
      if (static_cast<uint32_t>(b.word(i)) == UINT32_MAX) b.set(i, ArgKind::Pointer);
      return;
    case FlagTable::TimerFlags:
      // A sleep until a point in time has no rest.
      if ((b.word(i) & 1) != 0 && b.is(i + 2, ArgKind::TimespecRemain))
        b.set(i + 2, ArgKind::Pointer);
      return;
    case FlagTable::MountFlags:
      return resolve_mount(b, i);
    default:
      return;
  }
}

void resolve_mknod(Builder& b, size_t mode) {
  const auto type = static_cast<uint32_t>(b.word(mode)) & S_IFMT;
  if (type != S_IFCHR && type != S_IFBLK) b.cut(mode + 1);
}

// Kinds that say what the arguments around them are.
constexpr auto kDecides = [] {
  std::array<bool, static_cast<size_t>(ArgKind::Count)> table{};
  for (ArgKind kind : {ArgKind::Flags, ArgKind::Enum, ArgKind::Fcntl, ArgKind::FutexOp,
                       ArgKind::Ioctl, ArgKind::SyslogAction, ArgKind::QuotaCmd, ArgKind::FileMode,
                       ArgKind::CloneFlagsNamed, ArgKind::Omitted})
    table[static_cast<size_t>(kind)] = true;
  return table;
}();

}  // namespace

ArgList resolve_args(std::span<const ArgSpec> specs, std::span<const uint64_t> words) {
  Builder b(specs, words);
  const bool decides = std::any_of(specs.begin(), specs.end(), [](const ArgSpec& one) {
    return kDecides[static_cast<size_t>(one.kind)];
  });
  if (!decides) return b.list();
  constexpr uint8_t kCloneArgs = 5;
  if (b.is(0, ArgKind::CloneFlagsNamed) && b.count() == kCloneArgs) resolve_clone(b);
  for (size_t i = 0; i < b.count(); i++) {
    switch (b.spec(i).kind) {
      case ArgKind::Flags:
        resolve_flags(b, i);
        break;
      case ArgKind::Enum:
        resolve_enum(b, i);
        break;
      case ArgKind::Fcntl:
        resolve_fcntl(b, i);
        break;
      case ArgKind::FutexOp:
        resolve_futex(b, i);
        break;
      case ArgKind::Ioctl:
        resolve_ioctl(b, i);
        break;
      case ArgKind::QuotaCmd:
        resolve_quota(b, i);
        break;
      case ArgKind::SyslogAction:
        resolve_syslog(b, i);
        break;
      case ArgKind::FileMode:
        resolve_mknod(b, i);
        break;
      default:
        break;
    }
  }
  for (size_t i = b.count(); i-- > 0;) {
    if (b.is(i, ArgKind::Omitted)) b.drop(i);
  }
  return b.list();
}

}  // namespace wc
