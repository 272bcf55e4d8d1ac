// System calls, from their entry to their result.
#include <sys/syscall.h>

#include <algorithm>

#include "events/event_args.h"
#include "events/pipeline.h"
#include "events/taping.h"

namespace wc {
namespace {

// A failed kernel result (-EFAULT): arguments that the call would have written print as addresses.

}  // namespace

wc_syscall Pipeline::syscall_event(const EventSource& source, const PendingSyscall& syscall) {
  const SyscallSpec& spec = syscall_spec(syscall.nr);
  wc_syscall event{};
  event.ts = syscall.ts;
  event.pid = source.pid;
  event.tid = source.tid;
  event.call = syscall.call;
  event.depth = syscall.depth;
  event.nr = syscall.nr;
  event.name = spec.name.data();
  chain_.clear();
  for (uint32_t index : syscall.chain) chain_.push_back(source.function(index).name.c_str());
  event.chain = chain_.data();
  event.chain_length = static_cast<uint32_t>(chain_.size());
  event.function = chain_.empty() ? nullptr : chain_.back();
  event.flags = syscall.in_signal ? uint32_t{WC_SYSCALL_IN_SIGNAL} : 0;
  fill_words({spec.args, spec.arg_count}, syscall.args, args_);
  event.nargs = static_cast<uint32_t>(args_.size());
  event.args = args_.data();
  event.flags |= syscall.rule_flags;
  if (syscall.injected != nullptr) event.injected = syscall.injected->c_str();
  event.rule = syscall.rule;
  if (!syscall.path.empty()) event.path = syscall.path.c_str();
  if (!syscall.fd_path.empty()) event.fd_path = syscall.fd_path.c_str();
  if (syscall.stack != nullptr) fill_frames(*syscall.stack, event);
  return event;
}

BackendVerdict Pipeline::syscall_enter(const EventSource& given, PendingSyscall& syscall) {
  if (const auto& calls = given.calls->calls(); !calls.empty() && calls.back().is_quiet) return {};
  const TapedCall taped(tape_.get(), TapeOp::Enter, given);
  const EventSource& source = taped.source();
  if (taped) {
    syscall.on_tape = ++on_tape_;
    tape_syscall(*tape_, TapeOp::Enter, source, syscall, 0, syscall.ts);
  }
  if (syscall.ts == 0) syscall.ts = journal_.now();
  syscall.reported = true;
  syscall.stack = source.stack;
  auto& open = source.calls->calls();
  if (!open.empty()) {
    syscall.call = open.back().id;
    syscall.depth = open.back().depth;
    for (const OpenCall& call : open) syscall.chain.push_back(call.function);
  }
  note_paths(source, syscall);
  syscall.touches_a_path = events_.touches_a_path(decode_context(source), syscall.nr, syscall.args);
  if (wants_text()) {
    const SyscallSpec& spec = syscall_spec(syscall.nr);
    decode_entry_args(decode_context(source), {spec.args, spec.arg_count}, syscall.args,
                      syscall.decoded);
  }
  const BackendVerdict verdict = decide(source, syscall);
  if (journal_.is_stopped(verdict) && !open.empty()) open.back().is_quiet = true;
  return verdict;
}

BackendVerdict Pipeline::decide(const EventSource& source, const PendingSyscall& syscall) {
  if (!wants(WC_WANT_ENTER) && !wants(WC_WANT_VERDICTS)) return {};
  wc_syscall event = syscall_event(source, syscall);
  const std::string known = join_known_args(syscall.decoded);
  event.args_text = known.c_str();
  return events_.syscall_enter(event);
}

void Pipeline::syscall_exit(const EventSource& given, PendingSyscall& syscall, int64_t ret,
                            uint64_t end) {
  const TapedCall taped(tape_.get(), TapeOp::Exit, given);
  const EventSource& source = taped.source();
  if (taped) {
    tape_syscall(*tape_, TapeOp::Exit, source, syscall, static_cast<uint64_t>(ret), end);
  }
  if (reads_memory_at_exit(syscall.nr)) {
    const SyscallSpec& spec = syscall_spec(syscall.nr);
    DecodeContext context{*source.memory, options_, source.pid};
    decode_exit_args(context, {spec.args, spec.arg_count}, syscall.args, spec.result,
                     static_cast<uint64_t>(ret), syscall.decoded);
  }
  emit_exit(source, syscall, ret, end, 0);
  if (wants_text()) finish_thin_call(source, syscall, ret);
}

bool Pipeline::reads_memory_at_exit(uint32_t nr) const {
  if (!wants_text()) return false;
  if (options_.show_paths) return true;  // a descriptor's path, before somebody closes it
  if (nr == SYS_prctl || nr == SYS_arch_prctl) return true;  // depends on the operation
  const SyscallSpec& spec = syscall_spec(nr);
  for (unsigned i = 0; i < spec.arg_count; i++)
    if (!known_at_entry(spec.args[i].kind)) return true;
  return !known_at_entry(spec.result.kind);
}

void Pipeline::syscall_ended(const EventSource& given, PendingSyscall& syscall) {
  const TapedCall taped(tape_.get(), TapeOp::Ended, given);
  const EventSource& source = taped.source();
  if (taped) {
    tape_syscall(*tape_, TapeOp::Ended, source, syscall, 0, syscall.ts);
  }
  if (wants_text()) {
    const SyscallSpec& spec = syscall_spec(syscall.nr);
    DecodeContext context{*source.memory, options_, source.pid};
    decode_exit_args(context, {spec.args, spec.arg_count}, syscall.args, {ArgKind::LongResult, 0},
                     kUnknownResult, syscall.decoded);
  }
  emit_exit(source, syscall, 0, journal_.now(), WC_SYSCALL_NO_RESULT);
}

void Pipeline::emit_exit(const EventSource& source, PendingSyscall& syscall, int64_t ret,
                         uint64_t end, uint32_t flags) {
  if (!reports(syscall.nr)) return;  // not any more: it was on the way
  wc_syscall event = syscall_event(source, syscall);
  event.dur = end - std::min(end, syscall.ts);
  event.flags |= flags;
  std::string error_text;
  args_text_.clear();
  ret_text_.clear();
  bool failed = ret < 0 && ret >= -4095 && !(flags & WC_SYSCALL_NO_RESULT);
  event.error = failed ? static_cast<int32_t>(-ret) : 0;
  event.ret = failed ? -1 : ret;
  if (failed) {
    error_text = errno_name(static_cast<int>(-ret));
    event.error_name = error_text.empty() ? nullptr : error_text.c_str();
  }
  if (wants_text()) {
    join_args(syscall.decoded, args_text_);
    DecodeContext context{*source.memory, options_, source.pid};
    ret_text_ = flags & WC_SYSCALL_NO_RESULT
                    ? "?"
                    : decode_syscall_result(context, syscall_spec(syscall.nr), syscall.args,
                                            static_cast<uint64_t>(ret));
  }
  wc_arg value{};
  const ArgKind kind = syscall_spec(syscall.nr).result.kind;
  value.type = type_of(kind);
  value.value = value_of(kind, static_cast<uint64_t>(ret));
  if (!failed && !(flags & WC_SYSCALL_NO_RESULT)) event.value = &value;
  event.args_text = args_text_.c_str();
  event.ret_text = ret_text_.c_str();
  for (OpenCall& call : source.calls->calls()) call.last_ts = std::max(call.last_ts, end);
  events_.syscall_exit(event, syscall.touches_a_path);
  journal_.flight.syscall(event);
}

}  // namespace wc
