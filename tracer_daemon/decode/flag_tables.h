// Names of flags and constants, as data: flags_*.def hold the rows, FlagTable
// names a table. ArgSpec::aux carries a FlagTable for ArgKind::Flags and Enum.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wc {

enum class FlagTable : uint16_t {
  None,  // no names: printed as hexadecimal

  // Files (flags_file.def)
  QuotaInfoValid,   // IIF_BGRACE
  QuotaInfoFlags,   // DQF_ROOT_SQUASH
  XfsQuotaKinds,    // FS_USER_QUOTA
  XfsQuotaFlags,    // FS_QUOTA_UDQ_ACCT
  QuotaFormat,      // QFMT_VFS_OLD
  ListmountFlags,   // LISTMOUNT_REVERSE
  FanotifyClass,    // FAN_CLASS_NOTIF
  HandleFlags,      // AT_HANDLE_FID
  AtPathFlags,      // AT_SYMLINK_NOFOLLOW
  MemfdSecret,      // O_CLOEXEC
  OpenHowFlags,     // the rows of OpenFlags, 64 bits (openat2)
  OpenFlags,        // O_RDONLY|O_CREAT
  AccessMode,       // F_OK, R_OK|W_OK
  AtFlags,          // AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, ...
  FaccessatFlags,   // AT_EACCESS has the value of AT_REMOVEDIR
  StatxFlags,       // AT_STATX_SYNC_AS_STAT|AT_...
  StatxAttributes,  // STATX_ATTR_IMMUTABLE
  StatxMask,        // STATX_MODE|...
  RenameFlags,      // RENAME_NOREPLACE
  Whence,           // SEEK_SET
  FcntlCmd,         // F_GETFL
  FdFlags,          // FD_CLOEXEC
  FileLockType,     // F_RDLCK, of struct flock
  SealFlags,        // F_SEAL_WRITE
  NotifyFlags,      // DN_ACCESS, of F_NOTIFY
  LeaseType,        // F_RDLCK, F_UNLCK of F_SETLEASE
  FlockOp,          // LOCK_EX|LOCK_NB
  LockfCmd,         // F_TLOCK
  FallocateMode,    // FALLOC_FL_KEEP_SIZE
  SpliceFlags,      // SPLICE_F_MOVE
  SyncFileRange,    // SYNC_FILE_RANGE_WRITE
  Fadvise,          // POSIX_FADV_SEQUENTIAL
  RwfFlags,         // RWF_NOWAIT
  CloseRangeFlags,  // CLOSE_RANGE_CLOEXEC
  XattrFlags,       // XATTR_CREATE
  PipeFlags,        // the rows of OpenFlags without access modes (pipe2)
  DupFlags,         // the same (dup3)
  MountFlags,       // MS_RDONLY
  UmountFlags,      // MNT_DETACH
  OpenTreeFlags,    // OPEN_TREE_CLONE
  MoveMountFlags,   // MOVE_MOUNT_F_EMPTY_PATH
  FsopenFlags,      // FSOPEN_CLOEXEC
  FsmountFlags,     // FSMOUNT_CLOEXEC
  MountAttr,        // MOUNT_ATTR_RDONLY
  FspickFlags,      // FSPICK_CLOEXEC
  FsconfigCmd,      // FSCONFIG_SET_STRING
  ResolveFlags,     // RESOLVE_BENEATH, of openat2
  InotifyInit,      // IN_CLOEXEC
  InotifyMask,      // IN_CREATE
  FanotifyInit,     // FAN_CLASS_CONTENT
  FanotifyMark,     // FAN_MARK_ADD
  FanotifyMask,     // FAN_OPEN
  MemfdFlags,       // MFD_CLOEXEC
  StatfsFlags,      // ST_VALID|ST_RELATIME
  FsMagic,          // EXT2_SUPER_MAGIC: f_type of statfs
  MknodType,        // S_IFCHR

  // Devices (flags_device.def)
  LoopCrypt,             // LO_CRYPT_NONE
  LoopFlags,             // LO_FLAGS_READ_ONLY
  KbType,                // KB_84
  KbdMeta,               // K_METABIT
  KbdMode,               // K_RAW
  KdMode,                // KD_TEXT
  BlkpgOp,               // BLKPG_ADD_PARTITION
  BusState,              // BUSSTATE_OFF
  SeccompAddfd,          // SECCOMP_ADDFD_FLAG_SETFD
  SeccompNotif,          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
  RtcParam,              // RTC_PARAM_FEATURES
  UbiProperty,           // UBI_VOL_PROP_DIRECT_WRITE
  UbiDataType,           // UBI_LONGTERM
  FsXflags,              // FS_XFLAG_REALTIME
  FiemapFlags,           // FIEMAP_FLAG_SYNC
  CounterEvent,          // COUNTER_EVENT_OVERFLOW
  CounterScope,          // COUNTER_SCOPE_DEVICE
  CounterComponentType,  // COUNTER_COMPONENT_NONE
  MtdMode,               // MTD_OPS_PLACE_OOB
  MtdOtp,                // MTD_OTP_OFF
  MtdFileMode,           // MTD_FILE_MODE_NORMAL
  PerfIocFlags,          // PERF_IOC_FLAG_GROUP
  SgReset,               // SG_SCSI_RESET_NOTHING
  NbdFlags,              // NBD_FLAG_HAS_FLAGS
  ModemBits,             // TIOCM_LE
  EventType,             // EV_KEY
  AbsoluteAxis,          // ABS_X

  // Memory (flags_memory.def)
  MmapProt,        // PROT_READ|PROT_WRITE
  MmapFlags,       // MAP_PRIVATE|MAP_ANONYMOUS
  MremapFlags,     // MREMAP_MAYMOVE
  MsyncFlags,      // MS_SYNC
  Madvise,         // MADV_DONTNEED
  MlockFlags,      // MLOCK_ONFAULT (mlock2)
  MlockallFlags,   // MCL_CURRENT
  MembarrierCmd,   // MEMBARRIER_CMD_QUERY
  MempolicyMode,   // MPOL_BIND
  MbindFlags,      // MPOL_MF_MOVE
  GetMempolicy,    // MPOL_F_NODE
  PkeyRights,      // PKEY_DISABLE_WRITE
  UserfaultFlags,  // O_CLOEXEC|UFFD_USER_MODE_ONLY
  IpcFlags,        // IPC_CREAT (without the mode bits)
  ShmatFlags,      // SHM_RDONLY
  IpcCmd,          // IPC_RMID
  SemCmd,          // SETVAL
  MsgCmd,          // MSG_STAT
  MsgrcvFlags,     // MSG_NOERROR|IPC_NOWAIT

  // Network (flags_net.def)
  SockoptMptcp,      // MPTCP_INFO
  SockoptXdp,        // XDP_MMAP_OFFSETS
  SockoptAlg,        // ALG_SET_KEY
  SockoptVsock,      // SO_VM_SOCKETS_BUFFER_SIZE
  SockoptTls,        // TLS_TX
  SockoptUdp,        // UDP_CORK
  SockoptTipc,       // TIPC_IMPORTANCE
  IcmpType,          // ICMP_ECHOREPLY
  SockoptRaw,        // ICMP_FILTER
  PacketMembership,  // PACKET_MR_MULTICAST
  SockoptPacket,     // PACKET_ADD_MEMBERSHIP
  SockoptNetlink,    // NETLINK_ADD_MEMBERSHIP
  IpControl,         // IP_TOS
  SocketDomain,      // AF_UNIX
  SocketType,        // SOCK_STREAM|SOCK_CLOEXEC
  SocketFlags,       // SOCK_CLOEXEC (accept4)
  SocketProtocol,    // IPPROTO_TCP
  NetlinkProtocol,   // NETLINK_ROUTE
  MsgFlags,          // MSG_DONTWAIT
  ShutdownHow,       // SHUT_WR
  SockoptLevel,      // SOL_SOCKET
  SockoptSocket,     // SO_REUSEADDR
  SockoptTcp,        // TCP_NODELAY
  SockoptIp,         // IP_TTL
  SockoptIpv6,       // IPV6_V6ONLY
  ScmType,           // SCM_RIGHTS
  AddrinfoFlags,     // AI_PASSIVE
  NameinfoFlags,     // NI_NUMERICHOST
  ArpHardware,       // ARPHRD_ETHER

  // Processes, threads, scheduling (flags_process.def)
  SetMm,               // PR_SET_MM_START_CODE
  SpeculationControl,  // PR_SPEC_PRCTL
  Speculation,         // PR_SPEC_STORE_BYPASS
  MdweFlags,           // PR_MDWE_REFUSE_EXEC_GAIN
  TimingMode,          // PR_TIMING_STATISTICAL
  Endian,              // PR_ENDIAN_BIG
  FpExceptions,        // PR_FP_EXC_SW_ENABLE
  FpEmulation,         // PR_FPEMU_NOPRINT
  Unalign,             // PR_UNALIGN_NOPRINT
  MteCheck,            // PR_MTE_TCF_NONE
  SveFlags,            // PR_SVE_SET_VL_ONEXEC
  SmeFlags,            // PR_SME_SET_VL_ONEXEC
  PidType,             // PIDTYPE_PID
  SchedCore,           // PR_SCHED_CORE_GET
  PacKeys,             // PR_PAC_APIAKEY
  MceKillPolicy,       // PR_MCE_KILL_LATE
  MceKill,             // PR_MCE_KILL_CLEAR
  SetnsFlags,          // CLONE_NEWTIME
  CloneFlags,          // CLONE_VM, also for unshare and setns
  UnshareFlags,        // CLONE_NEWNS, of unshare and setns
  PrctlDumpable,       // SUID_DUMP_USER
  PrctlVma,            // PR_SET_VMA_ANON_NAME
  PrctlAmbient,        // PR_CAP_AMBIENT_RAISE
  PrctlDispatch,       // PR_SYS_DISPATCH_ON
  WaitOptions,         // WNOHANG
  WaitidType,          // P_PID
  RlimitResource,      // RLIMIT_NOFILE
  RusageWho,           // RUSAGE_SELF
  PriorityWhich,       // PRIO_PROCESS
  SchedPolicy,         // SCHED_FIFO
  SchedAttrFlags,      // SCHED_FLAG_RESET_ON_FORK
  PrctlOp,             // PR_SET_NAME
  ArchPrctlOp,         // ARCH_SET_FS
  PtraceRequest,       // PTRACE_ATTACH
  PtraceOptions,       // PTRACE_O_TRACECLONE
  SeccompOp,           // SECCOMP_SET_MODE_FILTER
  SeccompFlags,        // SECCOMP_FILTER_FLAG_TSYNC
  SeccompMode,         // SECCOMP_MODE_FILTER
  FutexCmd,            // FUTEX_WAIT
  FutexBitset,         // FUTEX_BITSET_MATCH_ANY
  FutexWakeOp,         // FUTEX_OP_SET
  FutexWaitvFlags,     // FUTEX_PRIVATE_FLAG|FUTEX_32
  PidfdFlags,          // PIDFD_NONBLOCK
  KcmpType,            // KCMP_FILE
  IoprioWho,           // IOPRIO_WHO_PROCESS
  Personality,         // PER_LINUX
  RebootCmd,           // LINUX_REBOOT_CMD_RESTART
  SyslogAction,        // SYSLOG_ACTION_READ
  KeyctlOp,            // KEYCTL_READ
  KeySpec,             // KEY_SPEC_USER_KEYRING
  BpfCmd,              // BPF_MAP_CREATE
  PerfFlags,           // PERF_FLAG_FD_CLOEXEC
  IoUringSetup,        // IORING_SETUP_SQPOLL
  IoUringEnter,        // IORING_ENTER_GETEVENTS
  IoUringRegister,     // IORING_REGISTER_BUFFERS
  RebootMagic,         // LINUX_REBOOT_MAGIC1
  RebootMagic2,        // LINUX_REBOOT_MAGIC2
  KexecFileFlags,      // KEXEC_FILE_UNLOAD
  KexecArchitecture,   // KEXEC_ARCH_DEFAULT
  Futex2Flags,         // FUTEX2_NUMA
  LsmAttr,             // LSM_ATTR_UNDEF
  LsmFlags,            // LSM_FLAG_SINGLE
  KeyPermissions,      // KEY_POS_VIEW
  RequestKeyring,      // KEY_REQKEY_DEFL_NO_CHANGE
  LandlockRule,        // LANDLOCK_RULE_PATH_BENEATH
  LandlockFlags,       // LANDLOCK_CREATE_RULESET_VERSION
  GetrandomFlags,      // GRND_NONBLOCK
  Capability,          // CAP_SYS_ADMIN
  ModuleInitFlags,     // MODULE_INIT_IGNORE_MODVERSIONS
  DeleteModule,        // O_NONBLOCK
  KexecFlags,          // KEXEC_ON_CRASH
  SwapFlags,           // SWAP_FLAG_DISCARD

  // Signals, time, waiting (flags_signal.def)
  ClockStatus,       // STA_PLL
  AdjustModes,       // ADJ_OFFSET_SINGLESHOT
  ClockState,        // TIME_OK
  SigprocmaskHow,    // SIG_BLOCK
  SaFlags,           // SA_RESTART
  SigaltstackFlags,  // SS_DISABLE
  SignalfdFlags,     // SFD_CLOEXEC
  SiCode,            // SI_USER: codes that any signal may carry
  SigevNotify,       // SIGEV_SIGNAL
  ClockId,           // CLOCK_MONOTONIC
  TimerFlags,        // TIMER_ABSTIME
  TimerfdCreate,     // TFD_CLOEXEC
  TimerfdSettime,    // TFD_TIMER_ABSTIME
  ItimerWhich,       // ITIMER_REAL
  PollEvents,        // POLLIN
  EpollOp,           // EPOLL_CTL_ADD
  EpollCreate,       // EPOLL_CLOEXEC
  EpollEvents,       // EPOLLIN
  EventfdFlags,      // EFD_CLOEXEC
  MqOpenFlags,       // the rows of OpenFlags

  // Fields of structs (flags_struct.def)
  PerfCacheResult,  // PERF_COUNT_HW_CACHE_RESULT_ACCESS
  PerfCacheOp,      // PERF_COUNT_HW_CACHE_OP_READ
  PerfCache,        // PERF_COUNT_HW_CACHE_L1D
  LandlockAccess,   // LANDLOCK_ACCESS_FS_EXECUTE
  IocbCommand,      // IOCB_CMD_PREAD
  IoUringFeatures,  // IORING_FEAT_NODROP
  BpfMapType,       // BPF_MAP_TYPE_HASH
  BpfMapFlags,      // BPF_F_NO_PREALLOC
  BpfUpdate,        // BPF_ANY
  BpfProgType,      // BPF_PROG_TYPE_KPROBE
  OwnerType,        // F_OWNER_TID, of F_SETOWN_EX
  InterfaceFlags,   // IFF_UP
  InodeFlags,       // FS_APPEND_FL, of FS_IOC_GETFLAGS
  EtherType,        // ETH_P_IP
  PacketType,       // PACKET_BROADCAST
  VsockCid,         // VMADDR_CID_HOST
  HciChannel,       // HCI_CHANNEL_RAW
  L2capPsm,         // L2CAP_PSM_SDP
  L2capCid,         // L2CAP_CID_ATT
  BluetoothType,    // BDADDR_LE_PUBLIC
  XdpFlags,         // XDP_COPY
  IoprioClass,      // IOPRIO_CLASS_BE
  SeccompAction,    // SECCOMP_RET_TRACE
  Securebits,       // SECBIT_KEEP_CAPS
  TscMode,          // PR_TSC_ENABLE
  PerfType,         // PERF_TYPE_HARDWARE
  PerfHardware,     // PERF_COUNT_HW_INSTRUCTIONS
  PerfSoftware,     // PERF_COUNT_SW_CPU_CLOCK
  PerfSample,       // PERF_SAMPLE_IP
  PerfReadFormat,   // PERF_FORMAT_ID
  PerfAttrSize,     // PERF_ATTR_SIZE_VER7
  QuotaCommand,     // Q_GETQUOTA
  QuotaType,        // USRQUOTA

  // Terminals (flags_terminal.def): struct termios
  TermiosInput,
  TermiosOutput,
  TermiosNewline,
  TermiosReturn,
  TermiosTab,
  TermiosBackspace,
  TermiosVertical,
  TermiosForm,
  TermiosBaud,
  TermiosSize,
  TermiosControl,
  TermiosLocal,

  // Library functions only (flags_library.def)
  DlopenFlags,     // RTLD_LAZY
  LocaleCategory,  // LC_ALL
  LocaleMask,      // LC_ALL_MASK (newlocale)
  BufferMode,      // _IOFBF (setvbuf)
  SyslogPriority,  // LOG_ERR
  SyslogOption,    // LOG_PID (openlog)
  FnmatchFlags,    // FNM_PATHNAME
  GlobFlags,       // GLOB_NOSORT
  RegcompFlags,    // REG_EXTENDED
  RegexecFlags,    // REG_NOTBOL
  FtwFlags,        // FTW_PHYS (nftw)
  TcsetattrWhen,   // TCSANOW
  TcflushQueue,    // TCIFLUSH
  TcflowAction,    // TCOOFF
  SysconfName,     // _SC_PAGESIZE
  PathconfName,    // _PC_NAME_MAX
  ConfstrName,     // _CS_PATH
  SpawnFlags,      // POSIX_SPAWN_SETPGROUP

  Count
};

// ArgSpec::aux of the kinds that print by a table.
constexpr uint16_t of(FlagTable table) { return static_cast<uint16_t>(table); }

struct FlagRow {
  std::string_view name;
  uint64_t value = 0;
};

struct FlagTableView {
  std::span<const FlagRow> rows;
  // What strace writes in a comment behind a number without a name: "O_???".
  std::string_view unknown;
  // Bits that hold one value of an enumeration rather than flags: O_ACCMODE. 0 for most tables.
  uint64_t value_mask = 0;
};

const FlagTableView& flag_table(FlagTable table);

// "O_RDONLY|O_CLOEXEC", "0", "0x10000 /* O_??? */", "MAP_PRIVATE|0x80000".
void append_flags(std::string& out, FlagTable table, uint64_t value);
// "SEEK_SET", "0x9 /* SEEK_??? */".
void append_enum(std::string& out, FlagTable table, uint64_t value);
// The name of exactly this value, or empty.
std::string_view enum_name(FlagTable table, uint64_t value);

}  // namespace wc
