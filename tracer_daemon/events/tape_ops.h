// What stands on a tape: one entry for each call of the pipeline, with what that call has found out
// beside its arguments. docs/raw-format.md is the prose form; kinds are never used again, and
// fields only ever appended to an entry.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/tape_code.h"
#include "protocol/shared.h"

namespace wc {

enum class TapeOp : uint8_t {
  Note = 1,  // nothing happens; it carries findings
  Record = 2,
  DropMissing = 3,
  EndReplaced = 4,
  OpenCalls = 5,
  Enter = 6,
  Exit = 7,
  Ended = 8,
  Process = 9,
  Totals = 10,
  Object = 11,
  Lost = 12,
  Forget = 13,
  Flush = 14,
  Snapshot = 15,
};

enum class Finding : uint8_t {
  Memory = 1,
  Link = 2,
  Moment = 3,
  Frames = 4,     // that were unwound
  Value = 5,      // of a typed result
  Arguments = 6,  // typed ones, of one of the scopes
  Map = 7,
  Generated = 8,  // code that the program has made and named
  Function = 9,
  OwnScope = 10,
  Table = 11,      // from now on numbers mean functions of another table
  Mode = 12,       // of a function
  AtStop = 13,     // the stack of the thread where it stands
  InHandler = 14,  // a signal handler has made the syscall
  Again = 15,      // one of the pieces of memory that were read last
  Stopped = 16,    // a back end wants no more of the call (WC_STOP_SCOPE)
};

// Keys of groups of words, apart from those of syscalls by number.
inline constexpr uint32_t kRecordGroups = 0, kEnterGroups = 4096, kScopeGroups = 4608,
                          kOtherGroups = 4736, kFrameGroups = 5120;
constexpr uint32_t record_group(uint32_t type, uint32_t what) {
  return kRecordGroups + (type % 8) * 512 + what % 512;
}

struct TapedRecord {
  uint8_t type = 0;
  static constexpr uint8_t kBody = 1, kCall = 2;
  uint8_t parts = 0;
  wc_record head{};  // times in nanoseconds
  wc_record_body body{};
  wc_record_call call{};
  uint64_t call_args[6] = {};
  struct Capture {
    uint64_t address = 0;
    std::string bytes;
  };
  std::vector<Capture> captures;
  std::vector<Capture> next_captures;  // of a call: those of its first syscall

  [[nodiscard]] bool has_time_in_place() const {
    return type == WC_RECORD_SYSCALL || type == WC_RECORD_CALL_SYSCALL;
  }

  template <typename Io>
  void fields(Io& io) {
    io.number(type);
    io.number(parts);
    io.number(body.what);
    io.time(head.tsc);
    if (has_time_in_place()) io.time(body.place);
    uint64_t kind = head.type & 0xffff, error = static_cast<uint32_t>(head.error);
    uint64_t function = call.function, depth = call.depth;
    uint64_t place = has_time_in_place() ? 0 : body.place;
    const uint32_t group = record_group(type, body.what);
    io.words(group, {&head.seq,     &head.ret,     &kind,         &error,        &place,
                     &body.args[0], &body.args[1], &body.args[2], &body.args[3], &body.args[4],
                     &body.args[5], &call.sp,      &call.caller,  &function,     &depth,
                     &call.value,   &call_args[0], &call_args[1], &call_args[2], &call_args[3],
                     &call_args[4], &call_args[5]});
    head.type = static_cast<uint32_t>(kind);
    head.error = static_cast<int32_t>(static_cast<uint32_t>(error));
    if (!has_time_in_place()) body.place = place;
    call.function = static_cast<uint32_t>(function);
    call.depth = static_cast<uint32_t>(depth);
    for (auto* list : {&captures, &next_captures})
      io.list(*list, [&](Capture& one) {
        io.address(one.address);
        io.text(one.bytes);
      });
  }
};

struct TapedScopes {  // DropMissing, OpenCalls
  static constexpr uint8_t kForSyscall = 1, kHasTime = 2;
  uint8_t flags = 0;
  std::vector<wc_scope> scopes;

  template <typename Io>
  void fields(Io& io) {
    io.number(flags);
    uint32_t index = 0;
    io.list(scopes, [&](wc_scope& one) {
      uint64_t function = one.function;
      auto& a = one.args;
      io.words(kScopeGroups + index++ % 128, {&one.seq, &one.sp, &one.caller, &one.tsc, &a[0],
                                              &a[1], &a[2], &a[3], &a[4], &a[5], &function});
      one.function = static_cast<uint32_t>(function);
    });
  }
};

struct TapedSyscall {  // Enter, Exit, Ended
  uint64_t id = 0;     // ties them together
  uint32_t nr = 0;
  static constexpr uint8_t kInHandler = 1, kHasTime = 2, kRule = 4;
  uint8_t flags = 0;
  uint64_t ts = 0;  // Enter; Exit: when it came back
  uint64_t ret = 0;
  uint64_t args[6] = {};
  uint32_t rule = 0, rule_flags = 0;
  std::string injected;

  template <typename Io>
  void fields(Io& io, TapeOp op) {
    io.number(nr);
    io.number(flags);
    io.time(ts);
    const uint32_t group = kEnterGroups + nr % 512;
    if (op == TapeOp::Enter)
      io.words(group, {&id, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5]});
    else
      io.words(kOtherGroups + 1, {&id, &ret});
    if ((flags & kRule) == 0) return;
    io.number(rule);
    io.number(rule_flags);
    io.text(injected);
  }
};

struct TapedProcess {
  uint32_t event = 0;  // enum wc_process_kind
  int32_t number = 0;  // child, signal or status
  uint8_t thread = 0;
  std::string text;  // path or name
  std::string more;  // of a phase the library; of a signal its siginfo_t

  template <typename Io>
  void fields(Io& io) {
    io.number(event);
    io.difference(number);
    io.number(thread);
    io.text(text);
    io.text(more);
  }
};

struct TapedTotals {
  uint32_t flags = 0;
  uint64_t calls = 0, ns = 0;
  std::string name, library;
  uint8_t kind = 0;

  template <typename Io>
  void fields(Io& io) {
    io.number(flags);
    io.number(calls);
    io.number(ns);
    io.text(name);
    io.text(library);
    io.number(kind);
  }
};

struct TapedLost {
  uint64_t count = 0;

  template <typename Io>
  void fields(Io& io) {
    io.number(count);
  }
};

struct TapedObject {
  uint8_t event = 0;
  static constexpr uint8_t kHow = 1, kBy = 2, kBuildId = 4, kPath = 8;
  uint8_t has = 0;
  uint64_t base = 0, dur = 0;
  std::string path, how, by, build_id;

  template <typename Io>
  void fields(Io& io) {
    io.number(event);
    io.number(has);
    io.number(base);
    io.number(dur);
    io.text(path);
    io.text(how);
    io.text(by);
    io.text(build_id);
  }
};

struct TapedFrame {
  uint64_t ip = 0, sp = 0, end = 0;
  static constexpr uint8_t kHidden = 1, kExact = 2, kNamed = 4;
  uint8_t flags = 0;
  std::string symbol, file;
  uint32_t line = 0;

  // `place`: counted from the outermost one, for that one is most often the same as before.
  template <typename Io>
  void fields(Io& io, size_t place) {
    io.number(flags);
    io.words(kFrameGroups + static_cast<uint32_t>(place % 512), {&ip, &sp, &end});
    if ((flags & kNamed) == 0) return;
    io.text(symbol);
    io.text(file);
    io.number(line);
  }
};

struct TapedValue {
  std::string text, data;
  static constexpr uint8_t kIsString = 1, kIsOpen = 2, kIsThere = 4;
  uint8_t flags = 0;
  uint8_t kind = 0;
  uint64_t word = 0;

  template <typename Io>
  void fields(Io& io) {
    io.number(flags);
    io.number(kind);
    io.number(word);
    io.text(text);
    io.text(data);
  }
};

struct TapedMapping {
  static constexpr uint8_t kSameFile = 0x80;  // as the one before

  uint64_t begin = 0, size = 0, offset = 0, inode = 0;
  uint32_t major = 0, minor = 0;
  uint8_t rights = 0;
  std::string path, build_id;

  template <typename Io>
  void fields(Io& io) {
    io.number(rights);
    io.address(begin);
    io.number(size);
    io.number(offset);
    if ((rights & kSameFile) != 0) return;
    io.number(inode);
    io.number(major);
    io.number(minor);
    io.text(path);
    io.text(build_id);
  }
};

struct TapedFunction {
  uint32_t number = 0;
  std::string symbol, name, library, row;  // row: its name in the catalog, or empty
  uint8_t flags = 0;                       // 1: thin
  uint8_t kind = 0;

  template <typename Io>
  void fields(Io& io) {
    io.number(number);
    io.text(symbol);
    io.text(name);
    io.text(library);
    io.text(row);
    io.number(flags);
    io.number(kind);
  }
};

}  // namespace wc
