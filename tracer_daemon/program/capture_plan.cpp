#include "program/capture_plan.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <utime.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <optional>
#include <span>

namespace wc {
namespace {

// The tracer's business: they make children, end the thread, move its stack or its memory, or deal
// with the signals that the gate hides (signal_masks.cpp).
constexpr uint32_t kTracersOwn[] = {
    SYS_clone,           SYS_clone3,  SYS_fork,       SYS_vfork,           SYS_execve,
    SYS_execveat,        SYS_exit,    SYS_exit_group, SYS_rt_sigreturn,    SYS_rt_sigsuspend,
    SYS_sigaltstack,     SYS_ppoll,   SYS_pselect6,   SYS_epoll_pwait,     SYS_epoll_pwait2,
    SYS_arch_prctl,      SYS_prctl,   SYS_seccomp,    SYS_restart_syscall, SYS_set_robust_list,
    SYS_set_tid_address, SYS_rseq,    SYS_ptrace,     SYS_signalfd,        SYS_signalfd4,
    SYS_rt_sigtimedwait, SYS_unshare, SYS_setns,      SYS_modify_ldt};

enum class Need : uint8_t { Nothing, Piece, Tracer };

struct Piece {
  Need need = Need::Nothing;
  uint8_t kind = WC_CAPTURE_NONE;
  uint16_t size = 0;
  uint8_t unit = 0;  // COUNTED, RETURNED: as a power of two
};

constexpr Piece fixed(uint16_t size) { return {Need::Piece, WC_CAPTURE_FIXED, size, 0}; }
constexpr Piece written(uint16_t size) {
  return {Need::Piece, WC_CAPTURE_FIXED | WC_CAPTURE_WRITTEN, size, 0};
}

constexpr Piece returned(uint16_t size, uint8_t unit = 0) {
  return {Need::Piece, WC_CAPTURE_RETURNED | WC_CAPTURE_WRITTEN, size, unit};
}
constexpr uint16_t kLargestPiece = UINT16_MAX;

constexpr uint16_t kSigsetSize = 8;  // the kernel's, which is smaller than libc's

// Structs and numbers of one size, which libc and the kernel lay out alike.
struct SizeRow {
  ArgKind kind;
  Piece piece;
};
constexpr SizeRow kSizes[] = {
    {ArgKind::IntIn, fixed(sizeof(int))},
    {ArgKind::IntOut, written(sizeof(int))},
    {ArgKind::WaitStatus, written(sizeof(int))},
    {ArgKind::IntPairOut, written(sizeof(int[2]))},
    {ArgKind::HexOut, written(sizeof(long))},
    {ArgKind::UlongOut, written(sizeof(long))},
    {ArgKind::SigsetOut, written(kSigsetSize)},
    {ArgKind::TimezoneOut, written(sizeof(struct timezone))},
    {ArgKind::Stat, written(sizeof(struct stat))},
    {ArgKind::Statx, written(sizeof(struct statx))},
    {ArgKind::Statfs, written(sizeof(struct statfs))},
    {ArgKind::Timespec, fixed(sizeof(timespec))},
    {ArgKind::Timeval, fixed(sizeof(timeval))},
    {ArgKind::TimespecOut, written(sizeof(timespec))},
    {ArgKind::TimevalOut, written(sizeof(timeval))},
    {ArgKind::TimespecPair, fixed(sizeof(timespec[2]))},
    {ArgKind::TimevalPair, fixed(sizeof(timeval[2]))},
    {ArgKind::Itimerval, fixed(sizeof(itimerval))},
    {ArgKind::Itimerspec, fixed(sizeof(itimerspec))},
    {ArgKind::ItimervalOut, written(sizeof(itimerval))},
    {ArgKind::ItimerspecOut, written(sizeof(itimerspec))},
    {ArgKind::Rlimit, fixed(sizeof(rlimit))},
    {ArgKind::RlimitOut, written(sizeof(rlimit))},
    {ArgKind::Rusage, written(sizeof(rusage))},
    {ArgKind::Utsname, written(sizeof(utsname))},
    {ArgKind::Sysinfo, written(sizeof(struct sysinfo))},
    {ArgKind::Tms, written(sizeof(tms))},
    {ArgKind::EpollEvent, fixed(sizeof(epoll_event))},
    {ArgKind::Sigset, fixed(kSigsetSize)},
    {ArgKind::Timezone, fixed(sizeof(struct timezone))},
    {ArgKind::LongIn, fixed(sizeof(long))},
    {ArgKind::Sigaction, fixed(sizeof(wc_action))},
    {ArgKind::SigactionOut, written(sizeof(wc_action))},
    {ArgKind::LibcSigaction, fixed(sizeof(struct sigaction))},
    {ArgKind::LibcSigactionOut, written(sizeof(struct sigaction))},
    {ArgKind::Utimbuf, fixed(sizeof(utimbuf))},
    {ArgKind::SchedParam, fixed(sizeof(sched_param))},
    {ArgKind::SchedParamOut, written(sizeof(sched_param))},
};

// Of which -s says how much is shown: more than a piece may hold is the tracer's.
bool grows_with_string_size(ArgKind kind) {
  switch (kind) {
    case ArgKind::Format:
    case ArgKind::String:
    case ArgKind::BufferIn:
    case ArgKind::BufferInText:
    case ArgKind::Iovec:
    case ArgKind::IovecOut:
    case ArgKind::BufferOut:
    case ArgKind::BufferOutText:
    case ArgKind::BufferOutHex:
      return true;
    default:
      return false;
  }
}

Piece piece_of(ArgKind kind, const DecodeOptions& options) {
  constexpr uint32_t kMost = kLargestPiece - 1;  // and the NUL
  auto shown = static_cast<uint16_t>(std::min(options.string_size, kMost));
  auto elements = [&](uint32_t size) {
    return static_cast<uint16_t>(std::min<uint64_t>(uint64_t{options.string_size} * size, kMost));
  };
  if (options.string_size > kMost && grows_with_string_size(kind)) return {Need::Tracer};
  for (const SizeRow& row : kSizes)
    if (row.kind == kind) return row.piece;
  switch (kind) {
    case ArgKind::Path:
      return {Need::Piece, WC_CAPTURE_STRING, PATH_MAX, 0};
    case ArgKind::Format:
    case ArgKind::String:
      return {Need::Piece, WC_CAPTURE_STRING, static_cast<uint16_t>(shown + 1), 0};
    case ArgKind::StringOut:
    case ArgKind::StringResult:
      return {Need::Piece, WC_CAPTURE_STRING | WC_CAPTURE_WRITTEN, PATH_MAX, 0};
    case ArgKind::BufferIn:
    case ArgKind::BufferInText:
      return {Need::Piece, WC_CAPTURE_COUNTED, shown, 0};
    case ArgKind::Iovec:
      return {Need::Piece, WC_CAPTURE_VECTOR, shown, 0};
    case ArgKind::IovecOut:
      return {Need::Piece, WC_CAPTURE_VECTOR | WC_CAPTURE_WRITTEN, shown, 0};
    case ArgKind::BufferOut:
    case ArgKind::BufferOutText:
    case ArgKind::BufferOutHex:
      return returned(shown);
    case ArgKind::Dirents:
      return returned(kLargestPiece);
    case ArgKind::EpollEventOut:
      return returned(elements(12), WC_CAPTURE_DOZEN);
    case ArgKind::Groups:
      return {Need::Piece, WC_CAPTURE_COUNTED, elements(4), 2};
    case ArgKind::GroupsOut:
      return returned(elements(4), 2);
    case ArgKind::Sockaddr:
      return {Need::Piece, WC_CAPTURE_COUNTED, 128, 0};
    case ArgKind::Pollfd:
      return {Need::Piece, WC_CAPTURE_COUNTED, 256, 3};
    default:
      return is_word(kind) ? Piece{} : Piece{Need::Tracer};
  }
}

wc_capture capture_of(const Piece& piece, uint8_t word, uint8_t aux) {
  return {static_cast<uint8_t>(piece.kind | piece.unit << 4), static_cast<uint8_t>(word | aux << 4),
          piece.size};
}

// Fills `captures` for the arguments and the result; false where that cannot be.
bool plan_args(std::span<const ArgSpec> specs, const ArgSpec& result, bool with_written,
               const DecodeOptions& options, std::span<wc_capture> captures) {
  size_t used = 0;
  auto add = [&](const Piece& piece, size_t word, uint8_t aux) {
    if (piece.need == Need::Nothing) return true;
    bool is_written = piece.kind & WC_CAPTURE_WRITTEN;
    if (piece.need == Need::Piece && is_written && !with_written) return true;
    if (piece.need == Need::Tracer || used == captures.size()) return false;
    captures[used++] = capture_of(piece, static_cast<uint8_t>(word), aux);
    return true;
  };
  size_t word = 0;
  for (const ArgSpec& spec : specs) {
    bool in_register = word < 6 && spec.aux < 6;
    Piece piece = piece_of(spec.kind, options);
    if (piece.need == Need::Piece && !in_register) return false;
    if (!add(piece, word, static_cast<uint8_t>(spec.aux))) return false;
    if (spec.kind != ArgKind::Double) word++;
  }
  return add(piece_of(result.kind, options), WC_CAPTURE_RESULT, 0);
}

// The third argument of fcntl(2) and ioctl(2) is a struct or a number, as the second says.
constexpr Piece kFcntl = fixed(32), kIoctl = fixed(64);

bool plan_dependent(uint32_t nr, const DecodeOptions& options, wc_plan& plan) {
  constexpr uint16_t kTimeout = 16;
  switch (nr) {
    case SYS_fcntl:
      plan.captures[0] = capture_of(kFcntl, 2, 0);
      return true;
    case SYS_ioctl:
      plan.captures[0] = capture_of(kIoctl, 2, 0);
      return true;
    case SYS_recvfrom:
      plan.captures[0] = capture_of(piece_of(ArgKind::BufferOut, options), 1, 0);
      return piece_of(ArgKind::BufferOut, options).need == Need::Piece;
    case SYS_accept:
    case SYS_accept4:
      return true;
    case SYS_futex:
      plan.captures[0] = capture_of(fixed(kTimeout), 3, 0);
      return true;
    default:
      return false;
  }
}

bool is_vector(const wc_capture& capture) {
  constexpr uint8_t kKinds = WC_CAPTURE_WRITTEN - 1;
  return (capture.kind_unit & kKinds) == WC_CAPTURE_VECTOR;
}

wc_plan_action action_of(uint32_t nr, const wc_plan& plan) {
  if (nr == SYS_rt_sigaction || nr == SYS_rt_sigprocmask) return WC_PLAN_SIGNALS;
  if (nr == SYS_recvfrom || nr == SYS_accept || nr == SYS_accept4) return WC_PLAN_SENDER;
  const bool has_vector =
      std::any_of(std::begin(plan.captures), std::end(plan.captures), is_vector);
  return has_vector ? WC_PLAN_VECTOR : WC_PLAN_RECORD;
}

wc_plan plan_syscall(uint32_t nr, const DecodeOptions& options, bool with_memory) {
  wc_plan plan{};
  if (std::find(std::begin(kTracersOwn), std::end(kTracersOwn), nr) != std::end(kTracersOwn))
    return plan;
  const SyscallSpec& spec = syscall_spec(nr);
  bool planned = !with_memory || plan_dependent(nr, options, plan) ||
                 plan_args({spec.args, spec.arg_count}, spec.result, true, options, plan.captures);
  plan.action = planned ? action_of(nr, plan) : WC_PLAN_TRACER;
  return plan;
}

}  // namespace

SyscallPlans plan_syscalls(const SyscallSet& reported, const DecodeOptions& options,
                           bool with_memory) {
  SyscallPlans plans{};
  for (uint32_t nr = 0; nr < plans.size(); nr++) {
    plans[nr] = plan_syscall(nr, options, with_memory);
    if (nr >= reported.size() || reported[nr]) continue;
    if (plans[nr].action == WC_PLAN_SIGNALS)
      plans[nr].action = WC_PLAN_TRACER;
    else if (plans[nr].action != WC_PLAN_TRACER)
      plans[nr].action = WC_PLAN_PLAIN;
  }
  return plans;
}

namespace {

constexpr uint16_t kBeginning = 128;

std::vector<wc_capture> all_captures(std::span<const ArgSpec> specs, const ArgSpec& result,
                                     const DecodeOptions& options) {
  std::vector<wc_capture> found;
  size_t word = 0;
  for (const ArgSpec& spec : specs) {
    const Piece piece = piece_of(spec.kind, options);
    const auto at = static_cast<uint8_t>(word);
    if (piece.need == Need::Piece && word < 6 && spec.aux < 6)
      found.push_back(capture_of(piece, at, static_cast<uint8_t>(spec.aux)));
    // A structure that only its decoder knows.
    if (piece.need == Need::Tracer && word < 6)
      for (const Piece& beginning : {fixed(kBeginning), written(kBeginning)})
        found.push_back(capture_of(beginning, at, 0));
    if (spec.kind != ArgKind::Double) word++;
  }
  if (const Piece piece = piece_of(result.kind, options); piece.need == Need::Piece)
    found.push_back(capture_of(piece, WC_CAPTURE_RESULT, 0));
  return found;
}

}  // namespace

std::vector<wc_capture> captures_of_syscall(uint32_t nr, const DecodeOptions& options) {
  wc_plan plan{};
  if (plan_dependent(nr, options, plan)) {
    std::vector<wc_capture> found(std::begin(plan.captures), std::end(plan.captures));
    std::erase_if(found, [](const wc_capture& one) { return one.kind_unit == WC_CAPTURE_NONE; });
    return found;
  }
  const SyscallSpec& spec = syscall_spec(nr);
  return all_captures({spec.args, spec.arg_count}, spec.result, options);
}

std::vector<wc_capture> captures_of_function(const FunctionSpec& spec,
                                             const DecodeOptions& options) {
  if (spec.family == "fcntl" || spec.family == "ioctl")
    return {capture_of(spec.family == "fcntl" ? kFcntl : kIoctl, 2, 0)};
  return all_captures(std::span(spec.args).first(std::min<size_t>(spec.arg_count, kMaxArgs)),
                      spec.result, options);
}

bool ends_in_format(const FunctionSpec& spec) {
  return spec.stack == StackUse::VaList && spec.arg_count > 0 && spec.arg_count <= 6 &&
         spec.args[spec.arg_count - 1].kind == ArgKind::Format;
}

bool plan_function(const FunctionSpec* spec, bool thin, bool alone, const DecodeOptions& options,
                   bool with_memory, wc_capture (&captures)[WC_FUNCTION_CAPTURES]) {
  if (!with_memory || spec == nullptr) return true;
  if (spec->family == "fcntl" || spec->family == "ioctl") {
    captures[0] = capture_of(spec->family == "fcntl" ? kFcntl : kIoctl, 2, 0);
    return true;
  }
  if (spec->stack == StackUse::ExecList || spec->arg_count > 6) return false;
  if (spec->stack == StackUse::VaList && !ends_in_format(*spec)) return false;
  if (!plan_args(std::span(spec->args).first(spec->arg_count), spec->result, !thin, options,
                 captures))
    return false;
  // What a vector points to is in the record of the syscall only.
  return (thin && !alone) || std::none_of(std::begin(captures), std::end(captures), is_vector);
}

}  // namespace wc
