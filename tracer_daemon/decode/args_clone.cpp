// clone and clone3, whose arguments strace names and reorders, and openat2, whose argument is a
// structure that may grow as well.
#include <linux/sched.h>

#include <algorithm>
#include <csignal>

#include "decode/args.h"

namespace wc {
namespace {

constexpr uint64_t kSignalMask = 0xff;

void append_clone_flags(std::string& out, uint64_t word) {
  const uint64_t flags = word & ~kSignalMask;
  const auto signal = static_cast<int32_t>(word & kSignalMask);
  if (flags != 0 || signal == 0) append_flags(out, FlagTable::CloneFlags, flags);
  if (signal == 0) return;
  if (flags != 0) out += '|';
  append_signal(out, signal);
}

// parent_tid is where the kernel wrote the new thread's number.
void append_tid_at(std::string& out, const Arg& arg, uint64_t address) {
  int32_t tid = 0;
  if (arg.failed || !fetch(arg.context, address, tid)) return append_pointer(out, address);
  out += '[';
  append_dec(out, tid);
  out += ']';
}

clone_args fetch_clone_args(const Arg& arg, bool& readable) {
  clone_args args{};
  const uint64_t size = std::min<uint64_t>(arg.aux_word(), sizeof args);
  constexpr uint64_t kFirstVersion = 64;
  readable = arg.word != 0 && size >= kFirstVersion &&
             arg.context.memory.read_all({arg.word}, &args, size);
  return args;
}

void append_set_tid(std::string& out, const Arg& arg, const clone_args& args) {
  if (args.set_tid == 0 && args.set_tid_size == 0) return;
  out += ", set_tid=";
  if (args.set_tid_size == 0)
    append_pointer(out, args.set_tid);
  else
    append_array(out, arg.context, args.set_tid, args.set_tid_size, sizeof(int32_t),
                 [](std::string& text, const std::byte* at) {
                   append_dec(text, *reinterpret_cast<const int32_t*>(at));
                 });
  out += ", set_tid_size=";
  append_udec(out, args.set_tid_size);
}

// Any number may stand there: it need not be a signal's.
void append_exit_signal(std::string& out, uint64_t signal) {
  constexpr uint64_t kMost = 64;
  if (signal > kMost) return append_udec(out, signal);
  append_signal(out, static_cast<int32_t>(signal));
}

void append_clone3_entry(const Arg& arg, std::string& out) {
  bool readable = false;
  const clone_args args = fetch_clone_args(arg, readable);
  if (!readable) return append_pointer(out, arg.word);
  const auto pointer = [&out](std::string_view name, uint64_t value) {
    out += name;
    append_pointer(out, value);
  };
  out += "{flags=";
  append_flags(out, FlagTable::CloneFlags, args.flags);
  if ((args.flags & CLONE_PIDFD) != 0) pointer(", pidfd=", args.pidfd);
  if ((args.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) != 0) {
    pointer(", child_tid=", args.child_tid);
  }
  if ((args.flags & CLONE_PARENT_SETTID) != 0) pointer(", parent_tid=", args.parent_tid);
  out += ", exit_signal=";
  append_exit_signal(out, args.exit_signal);
  pointer(", stack=", args.stack);
  out += ", stack_size=";
  append_hex(out, args.stack_size);
  if ((args.flags & CLONE_SETTLS) != 0) pointer(", tls=", args.tls);
  append_set_tid(out, arg, args);
  if (((args.flags & CLONE_INTO_CGROUP) != 0 && arg.aux_word() >= sizeof args) ||
      args.cgroup != 0) {
    out += ", cgroup=";
    append_udec(out, args.cgroup);
  }
  append_rest_of_struct(out, arg.context, arg.word, sizeof args, arg.aux_word());
  out += '}';
}

void append_clone3_exit(const Arg& arg, std::string& out) {
  bool readable = false;
  const clone_args args = fetch_clone_args(arg, readable);
  const bool pidfd = (args.flags & CLONE_PIDFD) != 0;
  const bool parent = (args.flags & CLONE_PARENT_SETTID) != 0;
  if (!readable || arg.failed || (!pidfd && !parent)) return;
  out += " => {";
  if (pidfd) {
    out += "pidfd=";
    append_tid_at(out, arg, args.pidfd);
  }
  if (parent) {
    out += pidfd ? ", parent_tid=" : "parent_tid=";
    append_tid_at(out, arg, args.parent_tid);
  }
  out += '}';
}

void append_open_how(const Arg& arg, std::string& out) {
  uint64_t how[3] = {};  // flags, mode, resolve: struct open_how
  if (arg.aux_word() < sizeof how || !fetch(arg.context, arg.word, how)) {
    return append_pointer(out, arg.word);
  }
  constexpr uint64_t kCreate = 0100, kTemporary = 020000000;
  out += "{flags=";
  append_flags(out, FlagTable::OpenHowFlags, how[0]);
  if (how[1] != 0 || (how[0] & (kCreate | kTemporary)) != 0) {
    out += ", mode=";
    append_octal(out, how[1]);
  }
  out += ", resolve=";
  append_flags(out, FlagTable::ResolveFlags, how[2]);
  append_rest_of_struct(out, arg.context, arg.word, sizeof how, arg.aux_word());
  out += '}';
}

}  // namespace

void decode_clone(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::CloneStack:
      out += "child_stack=";
      return append_pointer(out, arg.word);
    case ArgKind::CloneFlagsNamed:
      out += "flags=";
      return append_clone_flags(out, arg.word);
    case ArgKind::CloneFlags:
      return append_clone_flags(out, arg.word);
    case ArgKind::CloneParentTid:
      if (!arg.at_exit) return;
      out += "parent_tid=";
      return append_tid_at(out, arg, arg.word);
    case ArgKind::CloneTls:
      out += "tls=";
      return append_pointer(out, arg.word);
    case ArgKind::CloneChildTid:
      out += "child_tidptr=";
      return append_pointer(out, arg.word);
    case ArgKind::CloneArgs:
      return arg.at_exit ? append_clone3_exit(arg, out) : append_clone3_entry(arg, out);
    case ArgKind::OpenHow:
      return append_open_how(arg, out);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
