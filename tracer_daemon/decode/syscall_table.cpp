#include <seccomp.h>

#include <array>
#include <charconv>
#include <iterator>
#include <map>
#include <mutex>
#include <string>

#include "decode/decoder.h"
#include "decode/flag_tables.h"
#include "decode/struct_tables.h"
#include "decode/syscall_classes.h"
#include "decode/text.h"

namespace wc {
namespace {

template <typename... Args>
constexpr SyscallSpec make_row(uint32_t nr, std::string_view name, uint32_t classes, ArgKind result,
                               Args... args) {
  static_assert(sizeof...(Args) <= 6, "a syscall has at most six arguments");
  return {.nr = nr,
          .name = name,
          .arg_count = sizeof...(Args),
          .args = {args...},
          .result = {result, 0},
          .classes = classes};
}

#define SYSCALL(nr, name, classes, result, ...) \
  make_row(nr, #name, classes, ArgKind::result __VA_OPT__(, ) __VA_ARGS__),
#define A(kind) \
  ArgSpec { ArgKind::kind, 0 }
#define X(kind, aux) \
  ArgSpec { ArgKind::kind, aux }
#define F(table) \
  ArgSpec { ArgKind::Flags, static_cast<uint16_t>(FlagTable::table) }
#define E(table) \
  ArgSpec { ArgKind::Enum, static_cast<uint16_t>(FlagTable::table) }
#define T(kind, id) \
  ArgSpec { ArgKind::kind, static_cast<uint16_t>(StructId::id) }
constexpr SyscallSpec kRows[] = {
#include "decode/syscalls.def"
};
#undef SYSCALL
#undef A
#undef X
#undef F
#undef E
#undef T

constexpr uint32_t kTableSize = 512;
constexpr uint16_t kNoRow = UINT16_MAX;

constexpr std::array<uint16_t, kTableSize> make_index() {
  std::array<uint16_t, kTableSize> index{};
  index.fill(kNoRow);
  for (size_t row = 0; row < std::size(kRows); row++) {
    index[kRows[row].nr] = static_cast<uint16_t>(row);
  }
  return index;
}
constexpr std::array<uint16_t, kTableSize> kIndex = make_index();

constexpr bool rows_are_sorted() {
  for (size_t i = 1; i < std::size(kRows); i++) {
    if (kRows[i - 1].nr >= kRows[i].nr) return false;
  }
  return true;
}
static_assert(rows_are_sorted(), "syscalls.def is sorted by number, each number once");

std::string name_of_unknown(uint32_t nr) {
  const bool is_i386 = (nr & kI386Syscall) != 0 && (nr & ~kI386Syscall) < kI386Syscall;
  const uint32_t number = is_i386 ? nr & ~kI386Syscall : nr;
  std::string name = is_i386 ? "i386_" : "";
  if (char* known = seccomp_syscall_resolve_num_arch(is_i386 ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64,
                                                     static_cast<int>(number))) {
    name += known;
    std::free(known);
    return name;
  }
  name += "syscall_";
  append_hex(name, number);
  return name;
}

// Syscalls without a row. A tracee chooses its numbers, so there is an end to what is remembered.
class UnknownSyscalls {
 public:
  const SyscallSpec& find(uint32_t nr) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(nr);
    if (found != entries_.end()) return found->second.spec;
    constexpr size_t kMost = 1024;
    if (entries_.size() >= kMost) return kBeyond;
    Entry& entry = entries_[nr];
    entry.name = name_of_unknown(nr);
    entry.spec = make_unknown(nr, entry.name);
    return entry.spec;
  }

 private:
  struct Entry {
    std::string name;
    SyscallSpec spec;
  };

  static constexpr SyscallSpec make_unknown(uint32_t nr, std::string_view name) {
    return {.nr = nr,
            .name = name,
            .arg_count = 6,
            .args = {},
            .result = {ArgKind::LongResult, 0},
            .classes = 0};
  }
  static constexpr SyscallSpec kBeyond = {.nr = UINT32_MAX,
                                          .name = "syscall_unknown",
                                          .arg_count = 6,
                                          .args = {},
                                          .result = {ArgKind::LongResult, 0},
                                          .classes = 0};

  std::mutex mutex_;
  std::map<uint32_t, Entry> entries_;  // a map: references stay valid
};

}  // namespace

const SyscallSpec& syscall_spec(uint32_t nr) {
  if (nr < kTableSize && kIndex[nr] != kNoRow) return kRows[kIndex[nr]];
  static UnknownSyscalls unknown;
  return unknown.find(nr);
}

std::span<const SyscallSpec> syscall_rows() { return kRows; }

int32_t syscall_number(std::string_view name) {
  for (const SyscallSpec& row : kRows) {
    if (row.name == name) return static_cast<int32_t>(row.nr);
  }
  constexpr std::string_view kHexPrefix = "syscall_0x";
  if (name.starts_with(kHexPrefix)) {
    uint32_t nr = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kHexPrefix.size(), end, nr, 16);
    if (parsed.ec == std::errc{} && parsed.ptr == end && nr <= INT32_MAX) {
      return static_cast<int32_t>(nr);
    }
  }
  const int known = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, std::string(name).c_str());
  return known >= 0 ? known : -1;
}

std::span<const SyscallClassName> syscall_class_names() {
  static constexpr SyscallClassName kNames[] = {
      {"file", kFile, "take a file name"},
      {"desc", kDesc, "take or return a descriptor"},
      {"process", kProcess, "start, end, wait for and signal processes"},
      {"network", kNetwork, "sockets"},
      {"net", kNetwork, "sockets"},
      {"signal", kSignal, "signals"},
      {"ipc", kIpc, "System V IPC"},
      {"memory", kMemory, "map and manage memory"},
      {"creds", kCreds, "read or set user and group ids and capabilities"},
      {"clock", kClock, "read or set a clock"},
      {"pure", kPure, "always succeed and have no arguments"},
      {"stat", kStat, "stat"},
      {"lstat", kLstat, "lstat"},
      {"fstat", kFstat, "fstat, newfstatat, statx"},
      {"%stat", kStatAny, "every form of stat"},
      {"statfs", kStatfs, "statfs"},
      {"fstatfs", kFstatfs, "fstatfs"},
      {"%statfs", kStatfsAny, "every form of statfs, and ustat"},
  };
  return kNames;
}

}  // namespace wc
