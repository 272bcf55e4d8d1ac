// Files: stat, statx, statfs, directory entries. Abbreviated where strace abbreviates.
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

void append_stat(const Arg& arg, std::string& out) {
  struct stat value;  // on x86-64 the kernel's layout is glibc's
  if (!fetch_or_address(arg, value, out)) return;
  out += "{st_mode=";
  append_file_mode(out, value.st_mode);
  if (S_ISCHR(value.st_mode) || S_ISBLK(value.st_mode)) {
    out += ", st_rdev=";
    append_device(out, value.st_rdev);
  } else {
    out += ", st_size=";
    append_dec(out, value.st_size);
  }
  out += ", ...}";
}

void append_statx(const Arg& arg, std::string& out) {
  struct statx value;
  if (!fetch_or_address(arg, value, out)) return;
  out += "{stx_mask=";
  append_flags(out, FlagTable::StatxMask, value.stx_mask);
  out += ", stx_attributes=";
  append_flags(out, FlagTable::StatxAttributes, value.stx_attributes);
  out += ", stx_mode=";
  append_file_mode(out, value.stx_mode);
  out += ", stx_size=";
  append_udec(out, value.stx_size);
  out += ", ...}";
}

void append_statfs(const Arg& arg, std::string& out) {
  struct statfs value;
  if (!fetch_or_address(arg, value, out)) return;
  const auto number = [&out](std::string_view name, uint64_t n) {
    out += name;
    append_udec(out, n);
  };
  out += "{f_type=";
  append_enum(out, FlagTable::FsMagic, static_cast<uint64_t>(value.f_type));
  number(", f_bsize=", static_cast<uint64_t>(value.f_bsize));
  number(", f_blocks=", value.f_blocks);
  number(", f_bfree=", value.f_bfree);
  number(", f_bavail=", value.f_bavail);
  number(", f_files=", value.f_files);
  number(", f_ffree=", value.f_ffree);
  out += ", f_fsid={val=[";
  append_hex(out, static_cast<uint32_t>(value.f_fsid.__val[0]));
  out += ", ";
  append_hex(out, static_cast<uint32_t>(value.f_fsid.__val[1]));
  number("]}, f_namelen=", static_cast<uint64_t>(value.f_namelen));
  number(", f_frsize=", static_cast<uint64_t>(value.f_frsize));
  out += ", f_flags=";
  append_flags(out, FlagTable::StatfsFlags, static_cast<uint64_t>(value.f_flags));
  out += '}';
}

// Only the number of entries is shown: their names are the business of readdir's caller.
void append_dirents(const Arg& arg, std::string& out) {
  constexpr uint64_t kLongest = 1u << 20;
  constexpr size_t kRecordLength = 16;  // offset of d_reclen in both forms of the structure
  append_pointer(out, arg.word);
  const uint64_t end = arg.ret < kLongest ? arg.ret : kLongest;
  // A chunk at a time; a record never crosses more than one chunk boundary.
  char chunk[4096];
  uint64_t chunk_start = 0, chunk_size = 0;
  uint64_t count = 0;
  for (uint64_t at = 0; at + kRecordLength + 2 <= end; count++) {
    if (at + kRecordLength + 2 > chunk_start + chunk_size) {
      chunk_start = at;
      chunk_size = arg.context.memory.read({arg.word + at}, chunk,
                                           end - at < sizeof chunk ? end - at : sizeof chunk);
      if (chunk_size < kRecordLength + 2) break;
    }
    uint16_t length = 0;
    std::memcpy(&length, chunk + (at - chunk_start) + kRecordLength, sizeof length);
    if (length < kRecordLength + 2) break;  // hostile or torn: no way on
    at += length;
  }
  out += " /* ";
  append_udec(out, count);
  out += count == 1 ? " entry */" : " entries */";
}

}  // namespace

void decode_stat(const Arg& arg, DecodedArg& to) {
  switch (arg.spec.kind) {
    case ArgKind::Stat:
      return append_stat(arg, to.text);
    case ArgKind::Statx:
      return append_statx(arg, to.text);
    case ArgKind::Statfs:
      return append_statfs(arg, to.text);
    case ArgKind::Dirents:
      return append_dirents(arg, to.text);
    default:
      return append_pointer(to.text, arg.word);
  }
}

}  // namespace wc
