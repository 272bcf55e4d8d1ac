// Arguments that one system call has: kexec, swap, local descriptor tables, file handles, fanotify.
#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

void append_flags_behind(std::string& out, FlagTable table, uint64_t value, size_t start) {
  if (value == 0) return;
  if (out.size() != start) out += '|';
  append_flags(out, table, value);
}

// SWAP_FLAG_PREFER|3: the low half is a priority.
void append_swap_flags(std::string& out, uint64_t word) {
  constexpr uint32_t kPriority = 0x7fff, kPrefer = 0x8000;
  const auto value = static_cast<uint32_t>(word);
  const uint32_t flags = value & ~kPriority, priority = value & kPriority;
  if (flags != 0) append_flags(out, FlagTable::SwapFlags, flags);
  if (flags == 0 || priority != 0 || (flags & kPrefer) != 0) {
    if (flags != 0) out += '|';
    append_udec(out, priority);
  }
}

void append_kexec_flags(std::string& out, uint64_t word) {
  constexpr uint64_t kArchitecture = 0xffff0000;
  const size_t start = out.size();
  append_enum(out, FlagTable::KexecArchitecture, word & kArchitecture);
  append_flags_behind(out, FlagTable::KexecFlags, word & ~kArchitecture, start);
}

void append_kexec_segments(const Arg& arg, std::string& out) {
  struct Segment {
    uint64_t buffer, buffer_size, memory, memory_size;
  };
  constexpr uint64_t kMost = 16;  // KEXEC_SEGMENT_MAX
  if (arg.aux_word() > kMost) return append_pointer(out, arg.word);
  append_array(out, arg.context, arg.word, arg.aux_word(), sizeof(Segment),
               [](std::string& to, const std::byte* at) {
                 Segment segment;
                 std::memcpy(&segment, at, sizeof segment);
                 to += "{buf=";
                 append_pointer(to, segment.buffer);
                 to += ", bufsz=";
                 append_udec(to, segment.buffer_size);
                 to += ", mem=";
                 append_pointer(to, segment.memory);
                 to += ", memsz=";
                 append_udec(to, segment.memory_size);
                 to += '}';
               });
}

// %#08x, as addresses in descriptor tables are shown.
void append_eight_digits(std::string& out, uint32_t value) {
  char text[16];
  out.append(text, static_cast<size_t>(std::snprintf(text, sizeof text, "%#08x", value)));
}

void append_user_desc(const Arg& arg, std::string& out) {
  user_desc entry;
  if (arg.aux_word() != sizeof entry || !fetch(arg.context, arg.word, entry))
    return append_pointer(out, arg.word);
  const auto field = [&out](std::string_view name, uint64_t value) {
    out += name;
    append_udec(out, value);
  };
  out += "{entry_number=";
  if (entry.entry_number == UINT32_MAX)
    out += "-1";
  else
    append_udec(out, entry.entry_number);
  out += ", base_addr=";
  append_eight_digits(out, entry.base_addr);
  out += ", limit=";
  append_eight_digits(out, entry.limit);
  field(", seg_32bit=", entry.seg_32bit);
  field(", contents=", entry.contents);
  field(", read_exec_only=", entry.read_exec_only);
  field(", limit_in_pages=", entry.limit_in_pages);
  field(", seg_not_present=", entry.seg_not_present);
  field(", useable=", entry.useable);
  field(", lm=", entry.lm);
  out += '}';
}

// The class of listeners is a number, the others are flags.
void append_fanotify_init(std::string& out, uint64_t word) {
  constexpr uint32_t kClass = 0xc;
  const auto value = static_cast<uint32_t>(word);
  const size_t start = out.size();
  append_enum(out, FlagTable::FanotifyClass, value & kClass);
  append_flags_behind(out, FlagTable::FanotifyInit, value & ~kClass, start);
}

constexpr size_t kMostHandle = 128;  // MAX_HANDLE_SZ

struct HandleHead {
  uint32_t bytes;
  int32_t type;
};

void append_handle_bytes(std::string& out, const Arg& arg, uint32_t size) {
  char bytes[kMostHandle];
  const size_t length = std::min<size_t>(size, sizeof bytes);
  const uint64_t address = arg.word + sizeof(HandleHead);
  out += ", f_handle=";
  if (!arg.context.memory.read_all({address}, bytes, length)) {
    append_pointer(out, address);
  } else {
    append_quoted(out, {bytes, length}, QuoteStyle::Hex);
    if (length < size) out += "...";
  }
}

void append_handle(const Arg& arg, std::string& out) {
  HandleHead head;
  if (!fetch_or_address(arg, head, out)) return;
  out += "{handle_bytes=";
  append_udec(out, head.bytes);
  out += ", handle_type=";
  append_dec(out, head.type);
  append_handle_bytes(out, arg, head.bytes);
  out += '}';
}

// name_to_handle_at is told how much room there is, and says how much there should be.
void append_handle_in_out(const Arg& arg, DecodedArg& to) {
  HandleHead head;
  std::string& out = to.text;
  uint32_t room = 0;
  if (!arg.at_exit) {
    if (!fetch(arg.context, arg.word, room)) return append_pointer(out, arg.word);
    out += "{handle_bytes=";
    return append_udec(out, room);
  }
  if (!out.starts_with('{')) return;
  const bool too_small = static_cast<int64_t>(arg.ret) == -EOVERFLOW;
  if ((!arg.failed || too_small) && fetch(arg.context, arg.word, head)) {
    std::string before;
    before.swap(out);
    std::string after;
    append_udec(after, head.bytes);
    out = before;
    if (!before.ends_with('=' + after)) out += " => " + after;
    if (!arg.failed) {
      out += ", handle_type=";
      append_dec(out, head.type);
      append_handle_bytes(out, arg, head.bytes);
    }
  }
  out += '}';
}

void append_entropy(const Arg& arg, std::string& out) {
  int32_t head[2];  // bits of entropy, bytes behind
  if (!fetch_or_address(arg, head, out)) return;
  out += "{entropy_count=";
  append_dec(out, head[0]);
  out += ", buf_size=";
  append_dec(out, head[1]);
  out += ", buf=";
  append_buffer_at(out, arg.context, arg.word + sizeof head,
                   static_cast<uint32_t>(std::max(head[1], 0)));
  out += '}';
}

// Of another process, which may be in another PID namespace than this one.
void append_other_fd(const Arg& arg, std::string& out) {
  const auto pid = static_cast<int32_t>(arg.aux_word());
  DecodeContext context{arg.context.memory, arg.context.options, pid};
  append_fd(out, context, static_cast<int32_t>(arg.word));
}

// No more is read than the kernel reads: what is behind that need not be readable.
void append_name(const Arg& arg, std::string& out, size_t most) {
  const size_t limit = std::min<size_t>(most, arg.context.options.string_size);
  std::string bytes(std::min(most, limit + 1), '\0');
  const size_t got =
      arg.word == 0 ? 0 : arg.context.memory.read({arg.word}, bytes.data(), bytes.size());
  const size_t length = strnlen(bytes.data(), got);
  if (length == got && got < bytes.size()) return append_pointer(out, arg.word);
  append_quoted(out, std::string_view(bytes).substr(0, std::min(length, limit)));
  if (length == bytes.size()) out += "...";
}

}  // namespace

void append_rest_of_struct(std::string& out, const DecodeContext& context, uint64_t address,
                           uint64_t known, uint64_t size) {
  constexpr uint64_t kMost = 4096;
  if (size <= known) return;
  std::string bytes(std::min(size, kMost) - std::min(known, kMost), '\0');
  if (!context.memory.read_all({address + known}, bytes.data(), bytes.size())) {
    out += ", ???";
    return;
  }
  if (std::ranges::all_of(bytes, [](char c) { return c == '\0'; })) return;
  out += ", /* bytes ";
  append_udec(out, known);
  out += "..";
  append_udec(out, size - 1);
  out += " */ ";
  append_quoted(out, std::string_view(bytes).substr(0, context.options.string_size),
                QuoteStyle::Hex);
  if (bytes.size() > context.options.string_size) out += "...";
}

void decode_rare(const Arg& arg, DecodedArg& to) {
  constexpr size_t kMostVmaName = 80;
  constexpr size_t kMostRebootName = 255;
  constexpr size_t kMostFsParameter = 256;
  constexpr size_t kMostTaskName = 15;    // TASK_COMM_LEN, its NUL
  constexpr size_t kMostMemfdName = 250;  // NAME_MAX without "memfd:", and what is too much
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::SwapFlags:
      return append_swap_flags(out, arg.word);
    case ArgKind::KexecFlags:
      return append_kexec_flags(out, arg.word);
    case ArgKind::KexecSegments:
      return append_kexec_segments(arg, out);
    case ArgKind::TextIn:
      return append_buffer_at(out, arg.context, arg.word, arg.aux_word(), QuoteStyle::Plain,
                              &to.data);
    case ArgKind::HostNameIn:
      if (static_cast<uint32_t>(arg.aux_word()) > __NEW_UTS_LEN)
        return append_pointer(out, arg.word);
      return append_buffer_at(out, arg.context, arg.word, static_cast<uint32_t>(arg.aux_word()),
                              QuoteStyle::Plain, &to.data);
    case ArgKind::UserDesc:
      return append_user_desc(arg, out);
    case ArgKind::FanotifyInit:
      return append_fanotify_init(out, arg.word);
    case ArgKind::FanotifyDir:
      if (static_cast<int32_t>(arg.word) == -1) {
        out += "FAN_NOFD";
        return;
      }
      return append_dir_fd(out, arg.context, static_cast<int32_t>(arg.word));
    case ArgKind::FileHandle:
      return append_handle(arg, out);
    case ArgKind::FileHandleOut:
      return append_handle_in_out(arg, to);
    case ArgKind::OtherFd:
      return append_other_fd(arg, out);
    case ArgKind::VmaName:
      return append_name(arg, out, kMostVmaName);
    case ArgKind::RebootName:
      return append_name(arg, out, kMostRebootName);
    case ArgKind::Entropy:
      return append_entropy(arg, out);
    case ArgKind::FsParameter:
      return append_name(arg, out, kMostFsParameter);
    case ArgKind::TaskName:
      return append_name(arg, out, kMostTaskName);
    case ArgKind::MemfdName:
      return append_name(arg, out, kMostMemfdName);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
