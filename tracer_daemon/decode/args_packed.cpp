// Words that pack several values, and pointers to one value that has a name.
#include <arpa/inet.h>

#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

// htons(ETH_P_ALL)
void append_ether_type(std::string& out, uint64_t word) {
  out += "htons(";
  append_enum(out, FlagTable::EtherType, ntohs(static_cast<uint16_t>(word)));
  out += ')';
}

// QCMD(Q_GETQUOTA, USRQUOTA): a command above a type of one byte.
void append_quota_command(std::string& out, uint64_t word) {
  const auto command = static_cast<uint32_t>(word);
  out += "QCMD(";
  append_enum(out, FlagTable::QuotaCommand, command >> 8);
  out += ", ";
  append_enum(out, FlagTable::QuotaType, command & 0xff);
  out += ')';
}

void append_syslog_action(std::string& out, uint64_t word) {
  append_dec(out, static_cast<int32_t>(word));
  const std::string_view name = enum_name(FlagTable::SyslogAction, static_cast<uint32_t>(word));
  out += " /* ";
  out += name.empty() ? "SYSLOG_ACTION_???" : name;
  out += " */";
}

void append_log_level(std::string& out, int32_t level) {
  static constexpr std::string_view kNames[] = {"EMERG",  "ALERT", "CRIT",  "ERR",    "WARNING",
                                                "NOTICE", "INFO",  "DEBUG", "DEBUG+1"};
  append_dec(out, level);
  out += " /* LOGLEVEL_";
  out += level >= 0 && level < static_cast<int32_t>(std::size(kNames)) ? kNames[level] : "???";
  out += " */";
}

void append_descriptors(const Arg& arg, std::string& out) {
  append_array(out, arg.context, arg.word, static_cast<uint32_t>(arg.aux_word()), sizeof(int32_t),
               [&](std::string& to, const std::byte* at) {
                 int32_t fd;
                 std::memcpy(&fd, at, sizeof fd);
                 append_fd(to, arg.context, fd);
               });
}

}  // namespace

void append_ioprio(std::string& out, uint32_t value) {
  constexpr unsigned kClassShift = 13;
  out += "IOPRIO_PRIO_VALUE(";
  append_enum(out, FlagTable::IoprioClass, value >> kClassShift);
  out += ", ";
  append_udec(out, value & ((1u << kClassShift) - 1));
  out += ')';
}

void decode_packed(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  const FlagTable table{arg.spec.aux};
  switch (arg.spec.kind) {
    case ArgKind::EtherType:
      return append_ether_type(out, arg.word);
    case ArgKind::Ioprio:
      return append_ioprio(out, static_cast<uint32_t>(arg.word));
    case ArgKind::QuotaCmd:
      return append_quota_command(out, arg.word);
    case ArgKind::SyslogAction:
      return append_syslog_action(out, arg.word);
    case ArgKind::ResumedCall:
      out += "<... resuming interrupted ";
      out += arg.word == 0 ? "system call" : syscall_spec(static_cast<uint32_t>(arg.word)).name;
      out += " ...>";
      return;
    case ArgKind::Fds:
      return append_descriptors(arg, out);
    case ArgKind::SignalOut:
      return append_pointee<int32_t>(
          arg, out, [](std::string& to, int32_t value) { append_signal(to, value); });
    case ArgKind::LogLevel:
      return append_log_level(out, static_cast<int32_t>(arg.word));
    case ArgKind::FlagsIn:
    case ArgKind::FlagsOut:
      return append_pointee<uint32_t>(
          arg, out, [&](std::string& to, uint32_t value) { append_flags(to, table, value); });
    case ArgKind::EnumIn:
    case ArgKind::EnumOut:
      return append_pointee<uint32_t>(
          arg, out, [&](std::string& to, uint32_t value) { append_enum(to, table, value); });
    case ArgKind::TimeOut:
      return append_pointee<int64_t>(arg, out, [](std::string& to, int64_t value) {
        append_dec(to, value);
        append_date_comment(to, value, 0, 0);
      });
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
