// Structs as data: structs.def has a row for each field that strace prints, StructId names a
// struct. ArgSpec::aux carries a StructId for the ArgKinds Struct*. For structs that are printed
// field by field; what needs thought (sockaddr, msghdr, siginfo, ...) has code of its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "decode/args.h"

namespace wc {

enum class StructId : uint16_t {
  // Scheduling, memory, waiting
  SchedAttr,
  FutexWaitv,
  // Mounts, rules
  MountAttr,
  LandlockRuleset,
  LandlockPath,
  SockFprog,
  // Asynchronous input and output
  Iocb,
  IocbWrite,  // the data stand in memory
  IocbHead,   // of io_cancel
  IoEvent,
  IoUringParamsIn,
  IoUringParams,
  IoUringSqOffsets,
  IoUringCqOffsets,
  // Queues and System V IPC
  MqAttr,
  IpcPerm,
  Shmid,
  Semid,
  Msqid,
  // bpf, by command
  BpfMapCreate,
  BpfElement,
  BpfKey,
  BpfProgLoad,
  BpfObject,
  // fcntl and ioctl
  OwnerEx,
  IfreqName,
  IfreqIndex,
  IfreqMtu,
  IfreqMetric,
  IfreqFlags,
  // Clocks, mounts, caches
  Timeval,
  Timex,
  SysctlArgs,
  MountIdReq,
  CachestatRange,
  Cachestat,
  KcmpEpollSlot,
  // Devices
  MtdRegion,
  CounterComponent,
  CounterWatch,
  Fiemap,
  Fsxattr,
  FsxattrOut,
  FsTrim,
  MtdErase,
  MtdErase64,
  MtdOob,
  MtdOob64,
  OtpInfo,
  MtdWrite,
  UbiAttach,
  UbiChange,
  UbiMap,
  UbiResize,
  UbiProperty,
  RtcTime,
  RtcAlarm,
  RtcPll,
  SeccompResponse,
  SeccompAddFd,
  BlkTrace,
  BlkpgData,
  Blkpg,
  LoopInfo,
  LoopInfo64,
  LoopConfig,
  TeeCancel,
  TeeClose,
  NotifSizes,
  TpacketReq,
  Quota,
  QuotaInfo,
  XfsQuota,
  XfsFileStat,
  XfsQuotaStat,
  XfsFileStatV,
  XfsQuotaStatV,

  Count
};

enum class FieldFormat : uint8_t {
  Udec,
  Dec,
  Hex,
  Pointer,
  Octal,
  Flags,  // table: a FlagTable
  Enum,   // table: a FlagTable
  Fd,
  Text,       // char[], NUL-terminated or full
  String,     // address of a string
  Bytes,      // address of bytes, whose count is the 64-bit field behind it
  Struct,     // table: a StructId
  Reference,  // table: a StructId, at the address
  Error,      // an errno value, or a number
  Array,      // table: bytes of an element; hexadecimal
  HexText,    // bytes as \\x01\\x02
  Dots,       // no field: what strace leaves out
};

struct FieldRow {
  std::string_view name;
  uint16_t offset = 0;
  uint16_t size = 0;
  FieldFormat format = FieldFormat::Udec;
  uint16_t table = 0;
  bool only_if_set = false;  // zero is left out
};

// How many bytes of it the caller passes: structs grow with the kernel's versions.
struct StructLength {
  enum From : uint8_t { Whole, FirstWord, Argument } from = Whole;
  uint8_t argument = 0;
};

struct StructView {
  std::span<const FieldRow> fields;
  uint16_t size = 0;
  StructLength length;
};

const StructView& struct_view(StructId id);

// "{a=1, b=2}" of bytes that were read; fields that are not within `bytes` are left out.
void append_struct(std::string& out, const DecodeContext& context, StructId id,
                   std::span<const std::byte> bytes);
// The same at an address, and the address where it cannot be read.
void append_struct_at(std::string& out, const Arg& arg, StructId id);

}  // namespace wc
