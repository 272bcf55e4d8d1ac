// The vocabulary of argument kinds, shared by the table of syscalls
// (decode/syscalls.def) and the catalog of library functions
// (catalog/glibc.def): what a register or stack word means, as data.
#pragma once

#include <cstdint>

namespace wc {

enum class ArgKind : uint8_t {
  Void,           // as a result: no value; prints nothing
  NoReturn,       // as a result: never comes back
  Int,            // int, decimal
  Uint,           // unsigned int, decimal
  Long,           // long, ssize_t, off_t, ...: decimal, signed
  Ulong,          // unsigned long, size_t: decimal
  Hex,            // unsigned, hexadecimal
  Pointer,        // opaque pointer: hexadecimal, NULL
  Char,           // int holding a character: 'x'
  Double,         // in a vector register: printed as ? where it was not captured
  Fd,             // descriptor (AT_FDCWD is not one: see DirFd)
  DirFd,          // descriptor or AT_FDCWD
  Path,           // NUL-terminated file name, never shortened by -s
  String,         // NUL-terminated string, shortened by -s
  WideString,     // wchar_t string
  Format,         // printf format; the variadic arguments follow it
  ScanFormat,     // scanf format
  BufferIn,       // data the call reads; aux = index of the argument that holds its length
  BufferOut,      // data the call writes; length = result (capped by argument aux)
  StringOut,      // NUL-terminated string that the call writes (getcwd)
  Flags,          // OR of flags; aux = FlagTable
  Enum,           // one value of a table; aux = FlagTable
  Mode,           // file mode, octal: 0644
  Signal,         // signal number
  Pid,            // process or thread id
  Uid,            // user or group id: -1 prints as such
  Dev,            // device number: makedev(a, b)
  File,           // FILE *: pointer
  Function,       // code pointer: symbolised where the caller is
  Argv,           // NULL-terminated vector of strings, printed whole
  Envp,           // NULL-terminated vector of strings, printed as strace does: 0x... /* N vars */
  IntOut,         // pointer to int that the call writes: [N]
  IntPairOut,     // pointer to int[2] that the call writes: [N, M]
  IntIn,          // pointer to int that the call reads: [N]
  Stat,           // struct stat, written by the call
  Statx,          // struct statx, written by the call
  Timespec,       // struct timespec, read by the call
  TimespecOut,    // struct timespec, written by the call
  Timeval,        // struct timeval, read by the call
  TimevalOut,     // struct timeval, written by the call
  Itimerval,      // struct itimerval, read by the call
  Sockaddr,       // struct sockaddr, read by the call; aux = index of the length argument
  SockaddrOut,    // struct sockaddr, written; aux = index of the argument pointing to the length
  Iovec,          // struct iovec[], read by the call; aux = index of the count argument
  IovecOut,       // struct iovec[], written by the call; aux = index of the count argument
  Msghdr,         // struct msghdr, read by the call
  MsghdrOut,      // struct msghdr, written by the call
  Sigset,         // kernel sigset, read by the call
  SigsetOut,      // kernel sigset, written by the call
  Sigaction,      // kernel struct sigaction, read by the call
  SigactionOut,   // kernel struct sigaction, written by the call
  Rlimit,         // struct rlimit, read by the call
  RlimitOut,      // struct rlimit, written by the call
  Rusage,         // struct rusage, written by the call
  WaitStatus,     // pointer to wait status, written by the call
  Pollfd,         // struct pollfd[], both ways; aux = index of the count argument
  EpollEvent,     // struct epoll_event, read by the call
  EpollEventOut,  // struct epoll_event[], written by the call; length = result
  CloneFlags,     // clone flags with the exit signal in the low byte
  Ioctl,          // ioctl request
  Fcntl,          // fcntl command; the meaning of the next argument depends on it
  FutexOp,        // futex operation
  Errno,          // an errno value as such (strerror, pthread results): 0 or its name
  // Results only:
  FdResult,       // descriptor, or -1 with errno
  IntResult,      // int, -1 with errno on failure
  LongResult,     // long, -1 with errno on failure
  PointerResult,  // pointer, NULL (or MAP_FAILED) with errno on failure
  StringResult,   // char *, printed as a string
  ErrnoResult,    // 0, or an errno value (pthread functions)

  // Structures and words that only syscalls have. At the end, so that a new kind moves no other.
  BufferOutHex,     // as BufferOut, every byte as \xNN (getrandom)
  BufferInText,     // as BufferIn, a NUL at its end left out (extended attributes)
  BufferOutText,    // as BufferOut, a NUL at its end left out
  FileMode,         // file type and mode: S_IFCHR|0644
  LongInOut,        // pointer to a 64-bit offset: [0] => [5]
  LongIn,           // pointer to a 64-bit offset, shown as it was before the call: [0]
  UlongOut,         // pointer to unsigned long that the call writes: [N]
  HexOut,           // pointer to a pointer or mask that the call writes: [0x...]
  SocklenInOut,     // pointer to socklen_t, both ways: [128 => 16]
  Groups,           // gid_t[], read by the call; aux = index of the count argument
  GroupsOut,        // gid_t[], written by the call; length = result
  Timezone,         // struct timezone, read by the call
  TimezoneOut,      // struct timezone, written by the call
  TimespecPair,     // struct timespec[2], read by the call (utimensat)
  TimevalPair,      // struct timeval[2], read by the call (utimes)
  TimespecRemain,   // struct timespec, written only when a signal ended the sleep
  Utimbuf,          // struct utimbuf, read by the call
  ItimervalOut,     // struct itimerval, written by the call
  Itimerspec,       // struct itimerspec, read by the call
  ItimerspecOut,    // struct itimerspec, written by the call
  Statfs,           // struct statfs, written by the call
  Sysinfo,          // struct sysinfo, written by the call
  Utsname,          // struct utsname, written by the call
  Tms,              // struct tms, written by the call
  Dirents,          // struct linux_dirent64[], written by the call; length = result
  Sigevent,         // struct sigevent, read by the call
  Siginfo,          // siginfo_t, read by the call
  SiginfoOut,       // siginfo_t, written by the call
  SigStack,         // stack_t, read by the call
  SigStackOut,      // stack_t, written by the call
  CloneArgs,        // struct clone_args, read by the call; aux = index of the size argument
  OpenHow,          // struct open_how, read by the call; aux = index of the size argument
  FdSet,            // fd_set, read by the call; aux = index of the nfds argument
  SigmaskArg,       // {sigset, size} pair of pselect6
  CpuSet,           // cpu mask, read by the call; aux = index of the size argument
  MessageIn,        // struct msgbuf, read by the call; aux = index of the size argument
  MessageOut,       // struct msgbuf, written by the call; length = result
  CpuSetOut,        // cpu mask, written by the call; length = result
  SchedParam,       // struct sched_param, read by the call
  SchedParamOut,    // struct sched_param, written by the call
  CapHeader,        // struct __user_cap_header, read by the call
  CapData,          // struct __user_cap_data[], read by the call; the header is argument aux
  CapDataOut,       // struct __user_cap_data[], written by the call; the header is argument aux
  SockoptName,      // option name; its table depends on the level, argument aux
  SockoptIn,        // option value, read by the call; aux = index of the length argument
  SockoptOut,       // option value, written by the call; aux = index of the pointer to the length
  MsgVec,           // struct mmsghdr[], read by the call; aux = index of the count argument
  MsgVecOut,        // struct mmsghdr[], written by the call; length = result
  Flock,            // struct flock, read by the call
  FlockOut,         // struct flock, written by the call
  Winsize,          // struct winsize, read by the call
  WinsizeOut,       // struct winsize, written by the call
  Sembuf,           // struct sembuf[], read by the call; aux = index of the count argument
  WakeOp,           // the last word of FUTEX_WAKE_OP
  IovecAddr,        // struct iovec[] of addresses only; aux = index of the count argument
  IpcFlags,         // IPC_CREAT|0600
  IpcKey,           // key_t: IPC_PRIVATE or hexadecimal
  MincoreOut,       // byte a page, aux = index of the length argument
  TermiosOut,       // struct termios, written by the call
  Termios,          // struct termios, read by the call
  CloneFlagsNamed,  // flags=...
  CloneParentTid,   // parent_tid=[N]
  CloneTls,         // tls=0x...
  CloneChildTid,    // child_tidptr=0x...
  CloneStack,       // second word of clone, printed as child_stack=...
  StructIn,         // struct read by the call; aux = StructId (struct_tables.h)
  StructOut,        // struct written by the call; aux = StructId
  StructsIn,        // struct[], read by the call; aux = StructId, argument 1 counts them
  StructsOut,       // struct[], written by the call; aux = StructId, length = result
  Iocbs,            // struct iocb *[], read by the call; argument 1 counts them
  IoUringParams,    // struct io_uring_params, both ways
  Ifreq,            // struct ifreq, both ways; aux = StructId
  IfreqAddress,     // the same with an address in it
  IfreqHardware,    // the same with a hardware address in it
  PerfAttr,         // struct perf_event_attr, read by the call
  SigreturnFrame,   // where a signal handler's frame is: {mask=[...]}
  ResumedCall,      // number of the syscall that restart_syscall goes on with
  SignalOut,        // pointer to a signal number that the call writes: [SIGTERM]
  FlagsOut,         // pointer to int flags that the call writes; aux = FlagTable
  EnumOut,          // pointer to an int that the call writes; aux = FlagTable
  EnumIn,           // pointer to an int that the call reads; aux = FlagTable
  TimeOut,          // time_t that the call writes, with its date
  Fds,              // int[] of descriptors, read by the call; aux = index of the count argument
  EtherType,        // htons(ETH_P_ALL)
  Ioprio,           // IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)
  QuotaCmd,         // QCMD(Q_GETQUOTA, USRQUOTA)
  SyslogAction,     // 10 /* SYSLOG_ACTION_SIZE_BUFFER */
  HexInt,           // unsigned int, hexadecimal
  KeySerial,        // KEY_SPEC_SESSION_KEYRING, or a number
  ChildRusage,      // as Rusage, written only where a child was found
  UlongInOut,       // as LongInOut, without a sign
  NodeMask,         // bits of NUMA nodes, read by the call; aux = index of their count
  NodeMaskOut,      // the same, written by the call
  PolicyOut,        // pointer to a memory policy that the call writes; aux = index of the flags
  Addresses,        // void *[], read by the call; aux = index of the count argument
  Ints,             // int[], read by the call; aux = index of the count argument
  PageStatusOut,    // int[] of nodes or errors, written by the call; aux = index of the count
  SwapFlags,        // SWAP_FLAG_PREFER|3
  KexecSegments,    // struct kexec_segment[], read by the call; aux = index of the count argument
  KexecFlags,       // KEXEC_ARCH_X86_64|KEXEC_ON_CRASH
  TextIn,           // text with its NUL, of the length in argument aux
  HostNameIn,       // as BufferIn, nothing where it is longer than a name may be
  UserDesc,         // struct user_desc, read by the call; aux = index of the size argument
  FutexPair,        // struct[2], read by the call; aux = StructId
  UlongsOut,        // unsigned long[], written by the call; length = result
  FanotifyInit,     // FAN_CLASS_CONTENT|FAN_CLOEXEC
  FanotifyDir,      // descriptor, AT_FDCWD or FAN_NOFD
  FileHandle,       // struct file_handle, read by the call
  FileHandleOut,    // the same, both ways
  FlagsIn,          // pointer to int flags that the call reads; aux = FlagTable
  LogLevel,         // 7 /* LOGLEVEL_DEBUG */
  PrctlWord,        // packed words of prctl; aux = PrctlWord (dependent_prctl.cpp)
  VmaName,          // as String, of as many bytes as a mapping's name has
  RebootName,       // as String, of as many bytes as the kernel takes
  FsParameter,      // as String, of as many bytes as fsconfig takes
  PendingSigset,    // as SigsetOut, of fewer bytes, too
  Entropy,          // struct rand_pool_info, read by the call
  TaskName,         // as String, of as many bytes as a thread's name has
  NameList,         // as BufferOut, an address where no room was given
  SchedAttrIn,      // struct sched_attr, read by the call, and its right size after E2BIG
  UlongIn,          // pointer to unsigned long that the call reads: [N]
  UlongPairIn,      // two of them: [N, M]
  HexOrZeroIn,      // the same, hexadecimal: [0x...]
  UidOut,           // pointer to a user id that the call writes: [N]
  OtherFd,          // descriptor of the process that argument aux names
  MemfdName,        // as String, of as many bytes as a name may have
  Omitted,          // a word that strace leaves out (no O_CREAT: no mode)

  // Results of syscalls only.
  HexResult,   // hexadecimal, -1 with errno on failure
  ModeResult,  // octal (umask)

  // Of library functions only.
  Handler,           // of a signal, also as a result: SIG_IGN, 0x...
  LibcSigaction,     // glibc's struct sigaction, read by the call
  LibcSigactionOut,  // glibc's struct sigaction, written by the call

  Count
};

// Whether the word itself is all there is to show: it points to nothing that is printed.
constexpr bool is_word(ArgKind kind) {
  switch (kind) {
    case ArgKind::Void:
    case ArgKind::NoReturn:
    case ArgKind::Int:
    case ArgKind::Uint:
    case ArgKind::Long:
    case ArgKind::Ulong:
    case ArgKind::Hex:
    case ArgKind::Pointer:
    case ArgKind::Char:
    case ArgKind::Double:
    case ArgKind::Fd:
    case ArgKind::DirFd:
    case ArgKind::Flags:
    case ArgKind::Enum:
    case ArgKind::Mode:
    case ArgKind::FileMode:
    case ArgKind::Signal:
    case ArgKind::Pid:
    case ArgKind::Uid:
    case ArgKind::Dev:
    case ArgKind::File:
    case ArgKind::Function:
    case ArgKind::Errno:
    case ArgKind::FdResult:
    case ArgKind::IntResult:
    case ArgKind::LongResult:
    case ArgKind::PointerResult:
    case ArgKind::ErrnoResult:
    case ArgKind::HexResult:
    case ArgKind::ModeResult:
    case ArgKind::Handler:
    case ArgKind::HexInt:
    case ArgKind::KeySerial:
    case ArgKind::SwapFlags:
    case ArgKind::KexecFlags:
    case ArgKind::FanotifyInit:
    case ArgKind::FanotifyDir:
    case ArgKind::LogLevel:
    case ArgKind::PrctlWord:
      return true;
    default:
      return false;
  }
}

// Whether everything that is shown of such an argument is there when the call is entered. Kinds
// that are missing here count as written by the call, which is always safe.
constexpr bool known_at_entry(ArgKind kind) {
  if (is_word(kind)) return true;
  switch (kind) {
    case ArgKind::Path:
    case ArgKind::String:
    case ArgKind::WideString:
    case ArgKind::Format:
    case ArgKind::BufferIn:
    case ArgKind::BufferInText:
    case ArgKind::Argv:
    case ArgKind::Envp:
    case ArgKind::IntIn:
    case ArgKind::Timespec:
    case ArgKind::TimespecPair:
    case ArgKind::Timeval:
    case ArgKind::TimevalPair:
    case ArgKind::Itimerval:
    case ArgKind::Sockaddr:
    case ArgKind::Iovec:
    case ArgKind::Msghdr:
    case ArgKind::Sigset:
    case ArgKind::Sigaction:
    case ArgKind::LibcSigaction:
    case ArgKind::Rlimit:
    case ArgKind::EpollEvent:
    case ArgKind::CloneFlags:
    case ArgKind::FutexOp:
    case ArgKind::OpenHow:
    case ArgKind::StructIn:
    case ArgKind::StructsIn:
    case ArgKind::Iocbs:
    case ArgKind::SigreturnFrame:
    case ArgKind::ResumedCall:
    case ArgKind::EnumIn:
    case ArgKind::Fds:
    case ArgKind::EtherType:
    case ArgKind::Ioprio:
    case ArgKind::NodeMask:
    case ArgKind::Addresses:
    case ArgKind::Ints:
    case ArgKind::KexecSegments:
    case ArgKind::TextIn:
    case ArgKind::HostNameIn:
    case ArgKind::FutexPair:
    case ArgKind::FileHandle:
    case ArgKind::MemfdName:
    case ArgKind::TaskName:
    case ArgKind::VmaName:
    case ArgKind::FlagsIn:
      return true;
    default:
      return false;
  }
}

struct ArgSpec {
  ArgKind kind = ArgKind::Hex;
  uint16_t aux = 0;  // meaning by kind, see above

  bool operator==(const ArgSpec&) const = default;
};

inline constexpr unsigned kMaxArgs = 10;

}  // namespace wc
