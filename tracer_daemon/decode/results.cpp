// Results of syscalls and of library functions.
#include <fcntl.h>
#include <sys/time.h>

#include "decode/args.h"

namespace wc {
namespace {

constexpr int64_t kMaxErrno = 4095;

bool is_kernel_error(uint64_t ret) {
  const auto value = static_cast<int64_t>(ret);
  return value < 0 && value >= -kMaxErrno;
}

// Errors that no program sees: the call is to be restarted, or EINTR takes their place.
bool is_restart(int code) { return code >= 512 && code <= 516 && code != 515; }

void append_error(std::string& out, int code) {
  const std::string_view name = errno_name(code);
  if (name.empty()) {
    out += "(errno ";
    append_dec(out, code);
    out += ')';
    return;
  }
  out += name;
  out += " (";
  out += errno_text(code);
  out += ')';
}

void append_value(std::string& out, const DecodeContext& context, const ArgSpec& result,
                  uint64_t ret) {
  if (result.kind == ArgKind::PointerResult) return append_hex(out, ret);
  std::vector<DecodedArg> value;
  const uint64_t words[] = {ret};
  decode_entry_args(context, {&result, 1}, words, value);
  if (!value.empty()) out += value.front().text;
}

// What the result of a call tells beyond its number.
class ResultNote {
 public:
  ResultNote(const DecodeContext& context, std::span<const uint64_t> words, uint64_t ret)
      : context_(context), words_(words), ret_(ret) {}

  // ret > 0: the descriptors that are ready, and what is left of the time.
  void append_poll(std::string& out, bool has_timespec) const {
    if (ret_ == 0) return append_timeout(out);
    out += " (";
    append_poll_result(out, arg({ArgKind::Pollfd, 1}, 0));
    if (has_timespec) append_left(out, 2, ArgKind::Timespec);
    out += ')';
  }

  void append_select(std::string& out, ArgKind time_kind) const {
    if (ret_ == 0) return append_timeout(out);
    static constexpr std::string_view kNames[] = {"in ", "out ", "except "};
    const size_t start = out.size();
    for (size_t i = 0; i < std::size(kNames); i++) {
      std::string set;
      append_fd_set_result(set, arg({ArgKind::FdSet, 0}, i + 1));
      if (set == "[]" || set == "NULL") continue;
      out += out.size() == start ? " (" : ", ";
      out += kNames[i];
      out += set;
    }
    if (out.size() == start) out += " (";
    append_left(out, 4, time_kind);
    out += ')';
  }

  // recvmmsg: what is left of the time.
  void append_messages(std::string& out) const {
    constexpr size_t kTimeout = 4;
    if (ret_ == 0) return append_timeout(out);
    if (word(kTimeout) == 0) return;
    std::string left;
    left += '(';
    append_left(left, kTimeout, ArgKind::Timespec);
    out += ' ' + left + ')';
  }

 private:
  [[nodiscard]] uint64_t word(size_t i) const { return i < words_.size() ? words_[i] : 0; }
  [[nodiscard]] Arg arg(ArgSpec spec, size_t i) const {
    return {.context = context_,
            .words = words_,
            .spec = spec,
            .word = word(i),
            .at_exit = true,
            .ret = ret_};
  }
  static void append_timeout(std::string& out) { out += " (Timeout)"; }

  void append_left(std::string& out, size_t i, ArgKind kind) const {
    if (word(i) == 0) return;
    DecodedArg left;
    decode_time(arg({kind, 0}, i), left);
    out += out.ends_with('(') ? "left " : ", left ";
    out += left.text;
  }

  const DecodeContext& context_;
  std::span<const uint64_t> words_;
  uint64_t ret_;
};

void append_with_flags(std::string& out, uint64_t ret, FlagTable table, std::string_view what) {
  append_hex(out, ret);
  out += " (";
  out += what;
  append_flags(out, table, ret);
  out += ')';
}

// The whole result where it is not the number that the row says; false: as the row says.
bool append_fcntl(std::string& out, const DecodeContext& context, uint64_t command, uint64_t ret) {
  switch (static_cast<int32_t>(command)) {
    case F_GETFD:
      if (ret == 0) return false;
      append_with_flags(out, ret, FlagTable::FdFlags, "flags ");
      return true;
    case F_GETFL:
      append_with_flags(out, ret, FlagTable::OpenFlags, "flags ");
      return true;
    case F_GET_SEALS:
      if (ret == 0) return false;
      append_with_flags(out, ret, FlagTable::SealFlags, "seals ");
      return true;
    case F_GETSIG:
      if (ret == 0) return false;
      append_dec(out, static_cast<int64_t>(ret));
      out += " (";
      append_signal(out, static_cast<int32_t>(ret));
      out += ')';
      return true;
    case F_GETLEASE:
      append_with_flags(out, ret, FlagTable::LeaseType, "");
      return true;
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      append_fd(out, context, static_cast<int32_t>(ret));
      return true;
    default:
      return false;
  }
}

enum Number : uint32_t {
  kPoll = 7,
  kSelect = 23,
  kFcntl = 72,
  kSigtimedwait = 128,
  kPersonality = 135,
  kIoctl = 16,
  kPrctl = 157,
  kTime = 201,
  kMembarrier = 324,
  kSchedGetscheduler = 145,
  kAdjtimex = 159,
  kClockAdjtime = 305,
  kPselect6 = 270,
  kPpoll = 271,
  kIoprioGet = 252,
  kRecvmmsg = 299
};

// Of prctl.
constexpr uint64_t kGetDumpable = 3;
constexpr uint64_t kGetSecurebits = 27;
constexpr uint64_t kMceKillGet = 34;
constexpr uint32_t kNamespaceType = 0xb703;  // NS_GET_NSTYPE

// " (TEXT)", where `append` writes the text.
template <typename Append>
void append_in_parentheses(std::string& out, Append append) {
  out += " (";
  append();
  out += ')';
}

void append_time_note(std::string& out, uint64_t ret) {
  constexpr size_t kOpening = 4, kMarks = 7;  // of a comment
  std::string date;
  append_date_comment(date, static_cast<int64_t>(ret), 0, 0);
  if (date.size() < kMarks) return;
  append_in_parentheses(out, [&] { out.append(date, kOpening, date.size() - kMarks); });
}

void append_prctl_note(std::string& out, std::span<const uint64_t> words, uint64_t ret) {
  if (words.empty()) return;
  if (words[0] == kGetSecurebits && ret != 0) {
    out.clear();
    append_with_flags(out, ret, FlagTable::Securebits, "");
  } else if (words[0] == kMceKillGet) {
    append_in_parentheses(out, [&] { append_enum(out, FlagTable::MceKillPolicy, ret); });
  } else if (words[0] == kGetDumpable) {
    append_in_parentheses(out, [&] { append_enum(out, FlagTable::PrctlDumpable, ret); });
  }
}

void append_note(std::string& out, const DecodeContext& context, uint32_t nr,
                 std::span<const uint64_t> words, uint64_t ret) {
  const ResultNote note(context, words, ret);
  switch (nr) {
    case kPoll:
      return note.append_poll(out, false);
    case kPpoll:
      return note.append_poll(out, true);
    case kSelect:
      return note.append_select(out, ArgKind::Timeval);
    case kPselect6:
      return note.append_select(out, ArgKind::Timespec);
    case kSigtimedwait:
      if (ret != 0)
        append_in_parentheses(out, [&] { append_signal(out, static_cast<int32_t>(ret)); });
      return;
    case kTime:
      return append_time_note(out, ret);
    case kIoctl:
      if (words.size() < 2 || static_cast<uint32_t>(words[1]) != kNamespaceType) return;
      return append_in_parentheses(out, [&] { append_enum(out, FlagTable::SetnsFlags, ret); });
    case kPrctl:
      return append_prctl_note(out, words, ret);
    case kIoprioGet:
      return append_in_parentheses(out, [&] { append_ioprio(out, static_cast<uint32_t>(ret)); });
    case kRecvmmsg:
      return note.append_messages(out);
    case kMembarrier:
      if (words.empty() || words[0] != 0 || ret == 0) return;
      out.clear();
      return append_with_flags(out, ret, FlagTable::MembarrierCmd, "");
    case kAdjtimex:
    case kClockAdjtime:
      return append_in_parentheses(out, [&] { append_enum(out, FlagTable::ClockState, ret); });
    case kSchedGetscheduler:
      return append_in_parentheses(out, [&] { append_flags(out, FlagTable::SchedPolicy, ret); });
    case kPersonality:
      return append_in_parentheses(out, [&] { append_flags(out, FlagTable::Personality, ret); });
    default:
      return;
  }
}

}  // namespace

std::string decode_syscall_result(const DecodeContext& context, const ArgSpec& result,
                                  uint64_t ret) {
  if (result.kind == ArgKind::NoReturn) return "?";
  std::string out;
  if (is_kernel_error(ret)) {
    const auto code = static_cast<int>(-static_cast<int64_t>(ret));
    out += is_restart(code) ? "? " : "-1 ";
    append_error(out, code);
  } else {
    append_value(out, context, result, ret);
  }
  return out;
}

std::string decode_syscall_result(const DecodeContext& context, const SyscallSpec& spec,
                                  std::span<const uint64_t> words, uint64_t ret) {
  if (is_kernel_error(ret)) return decode_syscall_result(context, spec.result, ret);
  std::string out;
  const uint64_t command = words.size() > 1 ? words[1] : 0;
  if (spec.nr == kFcntl && append_fcntl(out, context, command, ret)) return out;
  out = decode_syscall_result(context, spec.result, ret);
  append_note(out, context, spec.nr, words, ret);
  return out;
}

std::string decode_call_result(const DecodeContext& context, const ArgSpec& result, uint64_t ret,
                               int32_t error) {
  const auto as_int = static_cast<int32_t>(ret);
  const bool is_pointer =
      result.kind == ArgKind::PointerResult || result.kind == ArgKind::StringResult;
  const bool is_int = result.kind == ArgKind::IntResult || result.kind == ArgKind::FdResult;
  const bool is_long = result.kind == ArgKind::LongResult;
  std::string out;
  if (result.kind == ArgKind::Void) return out;
  if (result.kind == ArgKind::NoReturn) return "?";
  if (result.kind == ArgKind::ErrnoResult) {
    if (as_int == 0) return "0";
    append_error(out, as_int);
    return out;
  }
  const bool is_handler = result.kind == ArgKind::Handler;
  const bool failed = (is_handler && ret == UINT64_MAX) || (is_pointer && ret == 0) ||
                      (is_int && as_int == -1) || ((is_long || is_pointer) && ret == UINT64_MAX);
  if (failed) {
    out += is_handler ? "SIG_ERR" : is_pointer && ret == 0 ? "NULL" : "-1";
    if (error == 0) return out;
    out += ' ';
    append_error(out, error);
    return out;
  }
  append_value(out, context, result, ret);
  return out;
}

}  // namespace wc
