// The machine and what is shared on it: uname, sysinfo, times, System V IPC, futexes, ioctl
// requests, file locks.
#include <linux/ioctl.h>
#include <sys/sem.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include <cstring>

#include "decode/args.h"
#include "decode/ioctl_names.h"

namespace wc {
namespace {

void append_utsname(const Arg& arg, std::string& out) {
  utsname name;
  if (!fetch_or_address(arg, name, out)) return;
  const auto quoted = [&out](const char* text, size_t size) {
    append_quoted(out, {text, strnlen(text, size)});
  };
  out += "{sysname=";
  quoted(name.sysname, sizeof name.sysname);
  out += ", nodename=";
  quoted(name.nodename, sizeof name.nodename);
  out += ", ...}";
}

void append_sysinfo(const Arg& arg, std::string& out) {
  struct sysinfo info;
  if (!fetch_or_address(arg, info, out)) return;
  append_field(out, "{uptime=", static_cast<uint64_t>(info.uptime));
  append_field(out, ", loads=[", info.loads[0]);
  append_field(out, ", ", info.loads[1]);
  append_field(out, ", ", info.loads[2]);
  append_field(out, "], totalram=", info.totalram);
  append_field(out, ", freeram=", info.freeram);
  append_field(out, ", sharedram=", info.sharedram);
  append_field(out, ", bufferram=", info.bufferram);
  append_field(out, ", totalswap=", info.totalswap);
  append_field(out, ", freeswap=", info.freeswap);
  append_field(out, ", procs=", info.procs);
  append_field(out, ", totalhigh=", info.totalhigh);
  append_field(out, ", freehigh=", info.freehigh);
  append_field(out, ", mem_unit=", info.mem_unit);
  out += '}';
}

void append_tms(const Arg& arg, std::string& out) {
  tms value;
  if (!fetch_or_address(arg, value, out)) return;
  out += "{tms_utime=";
  append_ticks(out, value.tms_utime);
  out += ", tms_stime=";
  append_ticks(out, value.tms_stime);
  out += ", tms_cutime=";
  append_ticks(out, value.tms_cutime);
  out += ", tms_cstime=";
  append_ticks(out, value.tms_cstime);
  out += '}';
}

void append_sembuf(std::string& out, const sembuf& operation) {
  append_field(out, "{sem_num=", operation.sem_num);
  out += ", sem_op=";
  append_dec(out, operation.sem_op);
  out += ", sem_flg=";
  const auto flags = static_cast<uint16_t>(operation.sem_flg);
  constexpr uint16_t kNoWait = IPC_NOWAIT, kUndo = SEM_UNDO;
  if (flags == 0) out += '0';
  if ((flags & kUndo) != 0) out += "SEM_UNDO";
  if ((flags & kNoWait) != 0) out += (flags & kUndo) != 0 ? "|IPC_NOWAIT" : "IPC_NOWAIT";
  const auto rest = static_cast<uint16_t>(flags & ~(kNoWait | kUndo));
  if (rest != 0) {
    if (rest != flags) out += '|';
    append_hex(out, rest);
  }
  out += '}';
}

// IPC_CREAT|0600: flags and mode in one word.
void append_ipc_flags(std::string& out, uint64_t word) {
  constexpr uint32_t kModeBits = 0777;
  const auto flags = static_cast<uint32_t>(word) & ~kModeBits;
  if (flags != 0) {
    append_flags(out, FlagTable::IpcFlags, flags);
    out += '|';
  }
  append_octal(out, static_cast<uint32_t>(word) & kModeBits);
}

void append_ipc_key(std::string& out, uint64_t word) {
  if (static_cast<uint32_t>(word) == 0) {
    out += "IPC_PRIVATE";
  } else {
    append_hex(out, static_cast<uint32_t>(word));
  }
}

void append_futex_op(std::string& out, uint64_t word) {
  constexpr uint32_t kPrivate = 128, kRealtime = 256;
  const auto op = static_cast<uint32_t>(word);
  const uint32_t command = op & ~(kPrivate | kRealtime);
  const std::string_view name = enum_name(FlagTable::FutexCmd, command);
  if (name.empty()) {
    append_hex(out, op);
    out += " /* FUTEX_??? */";
    return;
  }
  out += name;
  if ((op & kPrivate) != 0) out += "_PRIVATE";
  if ((op & kRealtime) != 0) out += "|FUTEX_CLOCK_REALTIME";
}

// FUTEX_OP_ADD<<28|1<<12|FUTEX_OP_CMP_EQ<<24|0: how FUTEX_WAKE_OP packs its operation.
void append_wake_op(std::string& out, uint64_t word) {
  static constexpr std::string_view kCompare[] = {"EQ", "NE", "LT", "LE", "GT", "GE"};
  const auto op = static_cast<uint32_t>(word);
  const uint32_t compare = op >> 24 & 0xf;
  if ((op >> 31) != 0) out += "FUTEX_OP_OPARG_SHIFT<<28|";
  append_enum(out, FlagTable::FutexWakeOp, op >> 28 & 7);
  out += "<<28|";
  append_hex(out, op >> 12 & 0xfff);
  out += "<<12|";
  if (compare < std::size(kCompare)) {
    out += "FUTEX_OP_CMP_";
    out += kCompare[compare];
  } else {
    append_hex(out, compare);
    out += " /* FUTEX_OP_CMP_??? */";
  }
  out += "<<24|";
  append_hex(out, op & 0xfff);
}

// A request without a name is taken apart as the macros of asm/ioctl.h put it together.
// struct msgbuf: a type and the text, whose length stands elsewhere.
void append_msgbuf(const Arg& arg, std::string& out, uint64_t length) {
  int64_t type = 0;
  if (!fetch_or_address(arg, type, out)) return;
  out += "{mtype=";
  append_dec(out, type);
  out += ", mtext=";
  append_buffer_at(out, arg.context, arg.word + sizeof type, length);
  out += '}';
}

void append_flock(const Arg& arg, std::string& out) {
  struct KernelFlock {
    int16_t type;
    int16_t whence;
    int64_t start;
    int64_t length;
    int32_t pid;
  } lock;
  if (!fetch_or_address(arg, lock, out)) return;
  out += "{l_type=";
  append_enum(out, FlagTable::FileLockType, static_cast<uint16_t>(lock.type));
  out += ", l_whence=";
  append_enum(out, FlagTable::Whence, static_cast<uint16_t>(lock.whence));
  out += ", l_start=";
  append_dec(out, lock.start);
  out += ", l_len=";
  append_dec(out, lock.length);
  if (arg.spec.kind == ArgKind::FlockOut) {
    out += ", l_pid=";
    append_dec(out, lock.pid);
  }
  out += '}';
}

}  // namespace

void decode_system(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::Utsname:
      return append_utsname(arg, out);
    case ArgKind::Sysinfo:
      return append_sysinfo(arg, out);
    case ArgKind::Tms:
      return append_tms(arg, out);
    case ArgKind::Sembuf:
      return append_array(out, arg.context, arg.word, static_cast<uint32_t>(arg.aux_word()),
                          sizeof(sembuf), [](std::string& text, const std::byte* at) {
                            sembuf operation;
                            std::memcpy(&operation, at, sizeof operation);
                            append_sembuf(text, operation);
                          });
    case ArgKind::MessageIn:
      return append_msgbuf(arg, out, arg.aux_word());
    case ArgKind::MessageOut:
      return append_msgbuf(arg, out, arg.ret);
    case ArgKind::IpcFlags:
      return append_ipc_flags(out, arg.word);
    case ArgKind::IpcKey:
      return append_ipc_key(out, arg.word);
    case ArgKind::FutexOp:
      return append_futex_op(out, arg.word);
    case ArgKind::WakeOp:
      return append_wake_op(out, arg.word);
    case ArgKind::Ioctl:
      return append_ioctl(out, static_cast<uint32_t>(arg.word));
    case ArgKind::Flock:
    case ArgKind::FlockOut:
      return append_flock(arg, out);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
