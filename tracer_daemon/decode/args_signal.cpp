// Signal sets, actions, alternate stacks, events. siginfo has its own file.
#include <csignal>
#include <cstring>

#include "decode/args.h"

namespace wc {
namespace {

constexpr unsigned kSignalBits = 64;
constexpr uint64_t kSigsetSize = kSignalBits / 8;

// What rt_sigaction takes; glibc's struct sigaction differs.
struct KernelSigaction {
  uint64_t handler;
  uint64_t flags;
  uint64_t restorer;
  uint64_t mask;
};

void append_handler(std::string& out, uint64_t handler) {
  switch (handler) {
    case 0:
      out += "SIG_DFL";
      break;
    case 1:
      out += "SIG_IGN";
      break;
    case UINT64_MAX:
      out += "SIG_ERR";
      break;
    default:
      append_hex(out, handler);
  }
}

void append_action(std::string& out, const KernelSigaction& action) {
  constexpr uint64_t kRestorer = 0x4000000;
  out += "{sa_handler=";
  append_handler(out, action.handler);
  out += ", sa_mask=";
  append_sigset_words(out, action.mask);
  out += ", sa_flags=";
  append_flags(out, FlagTable::SaFlags, action.flags);
  if ((action.flags & kRestorer) != 0 && action.restorer != 0) {
    out += ", sa_restorer=";
    append_pointer(out, action.restorer);
  }
  out += '}';
}

void append_sigaction(const Arg& arg, std::string& out) {
  KernelSigaction action;
  if (fetch_or_address(arg, action, out)) append_action(out, action);
}

// What sigaction(3) takes, which gives the kernel a restorer of its own.
void append_libc_sigaction(const Arg& arg, std::string& out) {
  struct {
    uint64_t handler;
    uint64_t mask[16];  // of which the kernel has one
    uint32_t flags;
  } action;
  if (!fetch_or_address(arg, action, out)) return;
  append_action(out, {action.handler, action.flags, 0, action.mask[0]});
}

void append_sigstack(const Arg& arg, std::string& out) {
  stack_t stack;
  if (!fetch_or_address(arg, stack, out)) return;
  out += "{ss_sp=";
  append_pointer(out, reinterpret_cast<uint64_t>(stack.ss_sp));
  out += ", ss_flags=";
  append_flags(out, FlagTable::SigaltstackFlags, static_cast<uint32_t>(stack.ss_flags));
  out += ", ss_size=";
  append_udec(out, stack.ss_size);
  out += '}';
}

// rt_sigpending writes as many bytes as it is asked for.
void append_part_of_sigset(const Arg& arg, std::string& out) {
  uint64_t mask = 0;
  const uint64_t size = arg.aux_word();
  if (arg.word == 0 || size > kSigsetSize || !arg.context.memory.read_all({arg.word}, &mask, size))
    return append_pointer(out, arg.word);
  append_sigset_words(out, mask);
}

void append_sigevent(const Arg& arg, std::string& out) {
  constexpr int kThreadId = 4, kSignal = 0, kThread = 2;  // the kernel's numbers
  struct {
    union {
      void* sival_ptr;
      int sival_int;
    } sigev_value;
    int32_t sigev_signo, sigev_notify;
    union {
      int32_t tid;
      uint64_t words[2];
    } rest;
  } event;  // what the kernel reads of it, which is less than sigevent has
  if (!fetch_or_address(arg, event, out)) return;
  out += '{';
  if (event.sigev_value.sival_ptr != nullptr) {
    out += "sigev_value={sival_int=";
    append_dec(out, event.sigev_value.sival_int);
    out += ", sival_ptr=";
    append_pointer(out, reinterpret_cast<uint64_t>(event.sigev_value.sival_ptr));
    out += "}, ";
  }
  out += "sigev_signo=";
  if (event.sigev_notify == kSignal || event.sigev_notify == kThread ||
      event.sigev_notify == kThreadId)
    append_signal(out, event.sigev_signo);
  else
    append_udec(out, static_cast<uint32_t>(event.sigev_signo));
  out += ", sigev_notify=";
  append_enum(out, FlagTable::SigevNotify, static_cast<uint32_t>(event.sigev_notify));
  if (event.sigev_notify == kThreadId) {
    out += ", sigev_notify_thread_id=";
    append_dec(out, event.rest.tid);
  }
  if (event.sigev_notify == kThread) {
    out += ", sigev_notify_function=";
    append_pointer(out, event.rest.words[0]);
    out += ", sigev_notify_attributes=";
    append_pointer(out, event.rest.words[1]);
  }
  out += '}';
}

// The mask that rt_sigreturn restores: uc_sigmask of the frame's ucontext (asm/ucontext.h).
void append_frame_mask(const Arg& arg, std::string& out) {
  constexpr uint64_t kMaskOffset = 40 + 256;  // uc_flags, uc_link, uc_stack; the registers
  uint64_t mask = 0;
  if (!fetch(arg.context, arg.word + kMaskOffset, mask)) return append_pointer(out, arg.word);
  out += "{mask=";
  append_sigset_words(out, mask);
  out += '}';
}

// The last argument of pselect6 points to this, because the call has no seventh.
void append_sigmask_pair(const Arg& arg, std::string& out) {
  uint64_t pair[2];
  if (!fetch_or_address(arg, pair, out)) return;
  out += "{sigmask=";
  append_sigset_at(out, arg.context, pair[0], pair[1]);
  out += ", sigsetsize=";
  append_udec(out, pair[1]);
  out += '}';
}

}  // namespace

// A nearly full set is shown as what it lacks: ~[KILL STOP].
void append_sigset_words(std::string& out, uint64_t mask) {
  const auto members = static_cast<unsigned>(__builtin_popcountll(mask));
  if (members >= kSignalBits * 2 / 3) {
    out += '~';
    mask = ~mask;
  }
  out += '[';
  bool first = true;
  for (unsigned i = 0; i < kSignalBits; i++) {
    if ((mask >> i & 1) == 0) continue;
    if (!first) out += ' ';
    first = false;
    const size_t start = out.size();
    append_signal(out, static_cast<int32_t>(i + 1));
    out.erase(start, 3);  // the SIG of SIGINT
  }
  out += ']';
}

// The kernel takes sets of exactly eight bytes; with any other size it fails, and the
// bytes mean nothing.
void append_sigset_at(std::string& out, const DecodeContext& context, uint64_t address,
                      uint64_t size) {
  uint64_t mask = 0;
  if (size != kSigsetSize || !fetch(context, address, mask)) return append_pointer(out, address);
  append_sigset_words(out, mask);
}

void decode_signal(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::PendingSigset:
      return append_part_of_sigset(arg, out);
    case ArgKind::Sigset:
    case ArgKind::SigsetOut: {
      // Library functions have no size argument: aux 0 is the set itself or unused.
      const uint64_t size = arg.spec.aux == 0 ? kSigsetSize : arg.aux_word();
      return append_sigset_at(out, arg.context, arg.word, size);
    }
    case ArgKind::Sigaction:
    case ArgKind::SigactionOut:
      return append_sigaction(arg, out);
    case ArgKind::LibcSigaction:
    case ArgKind::LibcSigactionOut:
      return append_libc_sigaction(arg, out);
    case ArgKind::Handler:
      return append_handler(out, arg.word);
    case ArgKind::SigStack:
    case ArgKind::SigStackOut:
      return append_sigstack(arg, out);
    case ArgKind::SigreturnFrame:
      return append_frame_mask(arg, out);
    case ArgKind::Sigevent:
      return append_sigevent(arg, out);
    case ArgKind::SigmaskArg:
      return append_sigmask_pair(arg, out);
    case ArgKind::Siginfo:
    case ArgKind::SiginfoOut:
      return append_siginfo_at(out, arg.context, arg.word);
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
