// Calls that are many calls in one: what the arguments behind a command are.
#include <linux/bpf.h>
#include <linux/keyctl.h>

#include <iterator>

#include "decode/dependent.h"

namespace wc {
namespace {

constexpr ArgSpec kNoId{ArgKind::Omitted}, kId{ArgKind::Uid};
constexpr ArgSpec in(StructId id) { return {ArgKind::StructIn, static_cast<uint16_t>(id)}; }
constexpr ArgSpec out(StructId id) { return {ArgKind::StructOut, static_cast<uint16_t>(id)}; }
constexpr ArgSpec flags_in(FlagTable table) { return {ArgKind::FlagsIn, of(table)}; }

// What the id and the address of a quotactl(2) are, by its command.
struct QuotaRow {
  uint32_t command;
  ArgSpec id, address;  // no address: it has neither
};
constexpr ArgSpec kNoAddress{ArgKind::Omitted};
constexpr QuotaRow kQuotas[] = {
    {0x800001, kNoId, kNoAddress},  // Q_SYNC
    {0x800002, {ArgKind::Enum, of(FlagTable::QuotaFormat)}, {ArgKind::Path}},
    {0x800003, kNoId, kNoAddress},  // Q_QUOTAOFF
    {0x800004, kNoId, {ArgKind::EnumOut, of(FlagTable::QuotaFormat)}},
    {0x800005, kNoId, out(StructId::QuotaInfo)},
    {0x800006, kNoId, in(StructId::QuotaInfo)},
    {0x800007, kId, out(StructId::Quota)},
    {0x800008, kId, in(StructId::Quota)},
    {0x800009, kId, out(StructId::Quota)},
    {0x5801, kNoId, flags_in(FlagTable::XfsQuotaFlags)},
    {0x5802, kNoId, flags_in(FlagTable::XfsQuotaFlags)},
    {0x5803, kId, out(StructId::XfsQuota)},
    {0x5804, kId, in(StructId::XfsQuota)},
    {0x5805, kNoId, out(StructId::XfsQuotaStat)},
    {0x5806, kNoId, flags_in(FlagTable::XfsQuotaKinds)},
    {0x5807, kNoId, kNoAddress},  // Q_XQUOTASYNC
    {0x5808, kNoId, out(StructId::XfsQuotaStatV)},
    {0x5809, kId, out(StructId::XfsQuota)},
};

}  // namespace

// The slots are command, device, id, address; of quotactl_fd fd, command, id, address.
void resolve_quota(Builder& b, size_t command) {
  constexpr unsigned kTypeBits = 8;
  const size_t id = command == 0 ? 2 : command + 1, address = id + 1;
  const uint32_t which = static_cast<uint32_t>(b.word(command)) >> kTypeBits;
  for (const QuotaRow& row : kQuotas) {
    if (row.command != which) continue;
    b.set(id, row.id);
    return b.set(address, row.address);
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
  constexpr uint32_t kSetFilter = 1, kActionAvailable = 2, kNotifSizes = 3;
  const size_t arg = op + 2;
  const auto word = static_cast<uint32_t>(b.word(op));
  b.set(arg, ArgKind::Pointer);
  if (word == kSetFilter) b.set(arg, ArgKind::StructIn, StructId::SockFprog);
  if (word == kActionAvailable || word == kNotifSizes) b.set(op + 1, ArgKind::HexInt);
  if (word == kNotifSizes) b.set(arg, ArgKind::StructOut, StructId::NotifSizes);
  if (word == kActionAvailable) b.set(arg, ArgKind::EnumIn, FlagTable::SeccompAction);
}

// The slots are fd, command, key, value, aux.
void resolve_fsconfig(Builder& b, size_t command) {
  enum : uint32_t { kFlag = 0, kString = 1, kBinary = 2, kPath = 3, kPathEmpty = 4, kFd = 5 };
  const size_t value = command + 2, aux = command + 3;
  switch (static_cast<uint32_t>(b.word(command))) {
    case kString:
      return b.set(value, ArgKind::FsParameter);
    case kBinary:
      return b.set(value, ArgSpec{ArgKind::BufferIn, static_cast<uint16_t>(aux)});
    case kPath:
    case kPathEmpty:
      b.set(value, ArgKind::Path);
      return b.set(aux, ArgKind::DirFd);
    case kFd:
      return b.set(aux, ArgKind::Fd);
    case kFlag:
      return;
    default:
      return b.set(command + 1, ArgKind::Pointer);
  }
}

void resolve_io_uring_register(Builder& b, size_t op) {
  enum : uint32_t { kBuffers = 0, kFiles = 2, kEventfd = 4, kEventfdAsync = 7 };
  const size_t arg = op + 1;
  const auto count = static_cast<uint16_t>(op + 2);
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

namespace {

// keyctl(2): how many arguments a command has, and what they are.
struct KeyctlRow {
  uint32_t op;
  uint8_t count;
  ArgSpec args[4];
};
constexpr ArgSpec kKey{ArgKind::KeySerial}, kKeyText{ArgKind::String}, kNumber{ArgKind::Uint};
constexpr ArgSpec kLength{ArgKind::Ulong}, kUser{ArgKind::Uid};
// The length stands behind them.
constexpr ArgSpec kPayload{ArgKind::BufferIn, 3}, kAnswer{ArgKind::BufferOut, 3};
constexpr KeyctlRow kKeyctls[] = {
    {KEYCTL_GET_KEYRING_ID, 2, {kKey, {ArgKind::Int}}},
    {KEYCTL_JOIN_SESSION_KEYRING, 1, {kKeyText}},
    {KEYCTL_UPDATE, 3, {kKey, kPayload, kLength}},
    {KEYCTL_REVOKE, 1, {kKey}},
    {KEYCTL_CHOWN, 3, {kKey, kUser, kUser}},
    {KEYCTL_SETPERM, 2, {kKey, {ArgKind::Flags, of(FlagTable::KeyPermissions)}}},
    {KEYCTL_DESCRIBE, 3, {kKey, kAnswer, kLength}},
    {KEYCTL_CLEAR, 1, {kKey}},
    {KEYCTL_LINK, 2, {kKey, kKey}},
    {KEYCTL_UNLINK, 2, {kKey, kKey}},
    {KEYCTL_SEARCH, 4, {kKey, kKeyText, kKeyText, kKey}},
    {KEYCTL_READ, 3, {kKey, kAnswer, kLength}},
    {KEYCTL_INSTANTIATE, 4, {kKey, kPayload, kLength, kKey}},
    {KEYCTL_NEGATE, 3, {kKey, kNumber, kKey}},
    {KEYCTL_SET_REQKEY_KEYRING, 1, {{ArgKind::Enum, of(FlagTable::RequestKeyring)}}},
    {KEYCTL_SET_TIMEOUT, 2, {kKey, kNumber}},
    {KEYCTL_ASSUME_AUTHORITY, 1, {kKey}},
    {KEYCTL_GET_SECURITY, 3, {kKey, kAnswer, kLength}},
    {KEYCTL_SESSION_TO_PARENT, 0, {}},
    {KEYCTL_REJECT, 4, {kKey, kNumber, {ArgKind::Errno}, kKey}},
    {KEYCTL_INSTANTIATE_IOV, 4, {kKey, {ArgKind::Iovec, 3}, kLength, kKey}},
    {KEYCTL_INVALIDATE, 1, {kKey}},
    {KEYCTL_GET_PERSISTENT, 2, {kUser, kKey}},
};

}  // namespace

void resolve_keyctl(Builder& b, size_t op) {
  constexpr size_t kLast = 4;
  const size_t first = op + 1;
  b.set(op + kLast, ArgKind::Hex);
  for (const KeyctlRow& row : kKeyctls) {
    if (row.op != static_cast<uint32_t>(b.word(op))) continue;
    for (size_t i = 0; i < row.count; i++) b.set(first + i, row.args[i]);
    return b.cut(first + row.count);
  }
}

// Most actions take neither buffer nor length.
void resolve_syslog(Builder& b, size_t action) {
  enum : uint32_t {
    kClose,
    kOpen,
    kRead,
    kReadAll,
    kReadClear,
    kClear,
    kConsoleOff,
    kConsoleOn,
    kConsoleLevel,
    kSizeUnread,
    kSizeBuffer
  };
  switch (static_cast<uint32_t>(b.word(action))) {
    case kRead:
    case kReadAll:
    case kReadClear:
      return b.set(action + 1, {ArgKind::BufferOut, 2});
    case kConsoleLevel:
      return b.set(action + 2, ArgKind::LogLevel);
    case kClose:
    case kOpen:
    case kClear:
    case kConsoleOff:
    case kConsoleOn:
    case kSizeUnread:
    case kSizeBuffer:
      return b.cut(action + 1);
    default:
      return;
  }
}

}  // namespace wc
