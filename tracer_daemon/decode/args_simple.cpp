// Words that are values themselves, descriptors, and pointers to a few integers.
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "decode/args.h"
#include "decode/socket_name.h"
#include "proc/files.h"
#include "proc/process.h"

namespace wc {
namespace {

// The target of a /proc link, as strace -y shows it: </path>, with "(deleted)" outside.
void append_link(std::string& out, std::string_view target) {
  if (target.empty()) return;
  constexpr std::string_view kDeleted = " (deleted)";
  const bool deleted = target.ends_with(kDeleted);
  if (deleted) target.remove_suffix(kDeleted.size());
  out += '<';
  append_quoted(out, target, QuoteStyle::Path);
  out += '>';
  if (deleted) out += "(deleted)";
}

void append_int(std::string& out, int32_t value) { append_dec(out, value); }

void append_int_pair(const Arg& arg, std::string& out) {
  int32_t pair[2];
  if (!fetch_or_address(arg, pair, out)) return;
  out += '[';
  append_fd(out, arg.context, pair[0]);
  out += ", ";
  append_fd(out, arg.context, pair[1]);
  out += ']';
}

void append_ulong_pair(const Arg& arg, std::string& out) {
  uint64_t pair[2];
  if (!fetch_or_address(arg, pair, out)) return;
  out += '[';
  append_udec(out, pair[0]);
  out += ", ";
  append_udec(out, pair[1]);
  out += ']';
}

// Pointers whose value before and after the call are both shown: "[0] => [5]", "[128 => 16]".
template <typename T, typename Append>
void append_long_in_out(const Arg& arg, std::string& out, Append append) {
  if (!arg.at_exit) return append_pointee<T>(arg, out, append);
  if (arg.failed || out.empty() || out.front() != '[' || arg.ret == 0) return;
  out += " => ";
  append_pointee<T>(arg, out, append);
}

void append_socklen_in_out(const Arg& arg, std::string& out) {
  if (!arg.at_exit) return append_pointee<int32_t>(arg, out, append_int);
  int32_t after = 0;
  if (arg.failed || !out.ends_with(']') || !fetch(arg.context, arg.word, after)) return;
  std::string text;
  append_dec(text, after);
  if (out.compare(1, out.size() - 2, text) == 0) return;
  out.pop_back();
  out += " => " + text + ']';
}

void append_groups(const Arg& arg, std::string& out, uint64_t count) {
  constexpr uint64_t kMostGroups = 65536;  // NGROUPS_MAX: the kernel takes no more
  if (count > kMostGroups) return append_pointer(out, arg.word);
  append_array(out, arg.context, arg.word, count, sizeof(uint32_t),
               [](std::string& to, const std::byte* at) {
                 uint32_t id;
                 std::memcpy(&id, at, sizeof id);
                 append_id(to, id);
               });
}

}  // namespace

void append_char(std::string& out, int32_t c) {
  if (c == -1) {
    out += "EOF";
    return;
  }
  std::string quoted;
  const char byte = static_cast<char>(c);
  append_quoted(quoted, {&byte, 1});
  std::string_view inner = std::string_view{quoted}.substr(1, quoted.size() - 2);
  if (byte == '"') inner = "\"";
  if (byte == '\'') inner = "\\'";
  out += '\'';
  out += inner;
  out += '\'';
}

void append_fd(std::string& out, const DecodeContext& context, int32_t fd) {
  append_dec(out, fd);
  if (!context.options.show_paths || fd < 0) return;
  const std::string target = proc::descriptor_target(context.pid, fd);
  if (context.options.show_addresses && target.starts_with("socket:")) {
    out += '<' + socket_name(context.pid, fd, target) + '>';
    return;
  }
  append_link(out, target);
}

void append_dir_fd(std::string& out, const DecodeContext& context, int32_t fd) {
  if (fd != AT_FDCWD) return append_fd(out, context, fd);
  out += "AT_FDCWD";
  if (context.options.show_paths)
    append_link(out, proc::link_target(proc::path_of(context.pid, "cwd")));
}

// -1 means "leave it as it is" to chown and the set*id calls.
void append_id(std::string& out, uint32_t id) {
  if (id == UINT32_MAX) {
    out += "-1";
  } else {
    append_udec(out, id);
  }
}

static void append_key(std::string& out, int32_t serial) {
  const std::string_view name = enum_name(FlagTable::KeySpec, static_cast<uint32_t>(serial));
  if (name.empty()) return append_dec(out, serial);
  out += name;
}

// What a pointer leads to: one number or an array of them.
static void decode_pointee(const Arg& arg, std::string& out) {
  switch (arg.spec.kind) {
    case ArgKind::IntIn:
    case ArgKind::IntOut:
      return append_pointee<int32_t>(arg, out, append_int);
    case ArgKind::IntPairOut:
      return append_int_pair(arg, out);
    case ArgKind::LongIn:
      return append_pointee<int64_t>(arg, out, append_dec);
    case ArgKind::LongInOut:
      return append_long_in_out<int64_t>(arg, out, append_dec);
    case ArgKind::UlongInOut:
      return append_long_in_out<uint64_t>(arg, out, append_udec);
    case ArgKind::UlongPairIn:
      return append_ulong_pair(arg, out);
    case ArgKind::HexOrZeroIn:
      return append_pointee<uint64_t>(arg, out, append_hex);
    case ArgKind::UidOut:
      return append_pointee<uint32_t>(arg, out, append_id);
    case ArgKind::UlongIn:
    case ArgKind::UlongOut:
      return append_pointee<uint64_t>(arg, out, append_udec);
    case ArgKind::HexOut:
      return append_pointee<uint64_t>(arg, out, append_pointer);
    case ArgKind::SocklenInOut:
      return append_socklen_in_out(arg, out);
    case ArgKind::Groups:
      return append_groups(arg, out, static_cast<uint32_t>(arg.aux_word()));
    case ArgKind::GroupsOut:
      return append_groups(arg, out, arg.ret);
    default:
      return append_pointer(out, arg.word);
  }
}

void decode_simple(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  const auto as_int = static_cast<int32_t>(arg.word);
  switch (arg.spec.kind) {
    case ArgKind::Int:
    case ArgKind::Pid:
    case ArgKind::IntResult:
      return append_dec(out, as_int);
    case ArgKind::Uint:
      return append_udec(out, static_cast<uint32_t>(arg.word));
    case ArgKind::Long:
    case ArgKind::LongResult:
      return append_dec(out, static_cast<int64_t>(arg.word));
    case ArgKind::Ulong:
      return append_udec(out, arg.word);
    case ArgKind::Hex:
    case ArgKind::HexResult:
      return append_hex(out, arg.word);
    case ArgKind::HexInt:
      return append_hex(out, static_cast<uint32_t>(arg.word));
    case ArgKind::KeySerial:
      return append_key(out, as_int);
    case ArgKind::Char:
      return append_char(out, as_int);
    case ArgKind::Double:
      out += '?';
      return;
    case ArgKind::Fd:
    case ArgKind::FdResult:
      return append_fd(out, arg.context, as_int);
    case ArgKind::DirFd:
      return append_dir_fd(out, arg.context, as_int);
    case ArgKind::Flags:
      return append_flags(out, FlagTable{arg.spec.aux}, arg.word);
    case ArgKind::Enum:
      return append_enum(out, FlagTable{arg.spec.aux}, arg.word);
    case ArgKind::Mode:
    case ArgKind::ModeResult:
      return append_octal(out, arg.word & 0xffff);
    case ArgKind::FileMode:
      return append_file_mode(out, static_cast<uint16_t>(arg.word));
    case ArgKind::Uid:
      return append_id(out, static_cast<uint32_t>(arg.word));
    case ArgKind::Dev:
      return append_device(out, static_cast<uint32_t>(arg.word));
    case ArgKind::Fcntl:
      return append_enum(out, FlagTable::FcntlCmd, arg.word);
    case ArgKind::Signal:
      return append_signal(out, as_int);
    case ArgKind::Errno:
      if (as_int == 0 || errno_name(as_int).empty()) return append_dec(out, as_int);
      out += errno_name(as_int);
      return;
    default:
      return decode_pointee(arg, out);
  }
}

}  // namespace wc
