#include "events/pipeline.h"

#include <algorithm>

#include "events/call_frames.h"
#include "events/event_args.h"
#include "events/taping.h"
#include "protocol/code_layout.h"

namespace wc {
namespace {

constexpr ArgSpec kRawWords[6] = {};  // ArgKind::Hex

std::span<const ArgSpec> specs_of(const FunctionSpec* spec) {
  if (spec == nullptr) return kRawWords;
  return std::span<const ArgSpec>(spec->args).first(std::min<size_t>(spec->arg_count, kMaxArgs));
}

bool all_known_at_entry(std::span<const ArgSpec> specs) {
  return std::all_of(specs.begin(), specs.end(),
                     [](const ArgSpec& one) { return known_at_entry(one.kind); });
}

// A failed kernel result (-EFAULT): arguments that the call would have written print as addresses.

// Whether the function is a wrapper of that syscall: by name, or stat(3), which is newfstatat(2),
// or another one to which glibc hands the pointers that it was given.
bool is_same_call(std::string_view function, std::string_view syscall) {
  constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
      {"getrlimit", "prlimit64"}, {"nanosleep", "clock_nanosleep"}, {"pipe", "pipe2"}};
  if (std::ranges::find(kOthers, std::pair(function, syscall)) != std::end(kOthers)) return true;
  auto is_stat = [](std::string_view name) {
    return name.ends_with("stat") || name.ends_with("statat");
  };
  return function == syscall || (is_stat(function) && is_stat(syscall));
}

// A function that never returns, exit(3), and has not been left otherwise (WC_RETURN_NEVER).
bool never_returns(const FunctionInfo& function) {
  return function.spec != nullptr && function.spec->result.kind == ArgKind::NoReturn;
}

// execve(3) and its family, fexecve(3).
bool is_exec(std::string_view function) {
  return function.starts_with("exec") || function == "fexecve";
}

// Whether the call has handed on what its syscall has returned.
bool is_result(const EndedCall& end, int64_t ret) {
  const bool has_failed = ret < 0 && ret >= -4095;
  if (has_failed) return static_cast<int32_t>(end.ret) == -1 && end.error == -ret;
  return end.ret == static_cast<uint64_t>(ret);
}

// One word an argument: integer registers in turn, then the stack; floating-point arguments travel
// elsewhere and take none.
void read_words(const EventSource& source, const FunctionSpec& spec, const wc_scope& scope,
                std::vector<uint64_t>& words) {
  words.clear();
  uint64_t stack[kMaxArgs] = {};
  if (spec.arg_count > 6) source.memory->read({scope.sp + 8}, stack, sizeof stack);
  size_t next = 0;
  for (size_t i = 0; i < spec.arg_count && i < kMaxArgs; i++) {
    bool is_double = spec.args[i].kind == ArgKind::Double;
    words.push_back(is_double ? 0 : next < 6 ? scope.args[next] : stack[next - 6]);
    if (!is_double) next++;
  }
}

// Room for the variadic arguments of a printf that are shown.
constexpr size_t kVariadicWords = 16;

}  // namespace

void Pipeline::decode_variadic(const EventSource& source, const FunctionSpec& spec, OpenCall& call,
                               const wc_scope& scope) {
  if (spec.stack != StackUse::VaList || spec.arg_count == 0 || spec.arg_count > 6 ||
      spec.args[spec.arg_count - 1].kind != ArgKind::Format)
    return;
  std::string format;
  for (const DecodedArg& arg : call.args) format = arg.data;
  if (format.find('%') == std::string::npos) return;
  std::vector<uint64_t> words(scope.args + spec.arg_count, scope.args + 6);
  uint64_t stack[kVariadicWords] = {};
  size_t bytes = source.memory->read({scope.sp + 8}, stack, sizeof stack);
  words.insert(words.end(), stack, stack + bytes / sizeof(uint64_t));
  // entry.S, wc_entry_va: the vector registers stand in the va_list's save area below the frame.
  double registers[8][2] = {};
  std::vector<double> doubles;
  if (format.find_first_of("aAeEfFgG") != std::string::npos &&
      source.memory->read_all({scope.sp - WC_VECTORS_BELOW}, registers, sizeof registers))
    for (const auto& one : registers) doubles.push_back(one[0]);
  DecodeContext context{*source.memory, options_, source.pid};
  decode_format_args(context, format, words, doubles, call.args);
}

void Pipeline::decode_call(const EventSource& source, OpenCall& call, const wc_scope& scope) {
  const FunctionSpec* spec = source.function(scope.function).spec;
  call.typed = source.arguments_of(scope);
  if (call.typed != nullptr) return call.args.clear();
  call.words.assign(scope.args, scope.args + 6);
  if (spec != nullptr) read_words(source, *spec, scope, call.words);
  if (!wants_text()) return call.args.clear();
  DecodeContext context{*source.memory, options_, source.pid};
  decode_entry_args(context, specs_of(spec), call.words, call.args);
  if (spec != nullptr) decode_variadic(source, *spec, call, scope);
}

// Reads what the call has written. A failed call's arguments print as addresses.
void Pipeline::finish_args(const EventSource& source, OpenCall& call, uint64_t ret) {
  const FunctionSpec* spec = source.function(call.function).spec;
  if (spec == nullptr || !wants_text() || !call.final_args.empty()) return;
  auto specs = specs_of(spec);
  if (all_known_at_entry(specs)) return;
  DecodeContext context{*source.memory, options_, source.pid};
  shown_ = call.args;
  decode_exit_args(context, specs, call.words, spec->result, ret, shown_);
  join_args(shown_, call.final_args);
}

// Completes the call of a thin wrapper, read(3), whose syscall, read(2), has just been reported:
// args_text_ is the syscall's. The thread is stopped now, and will not be at the call's return.
void Pipeline::finish_thin_call(const EventSource& source, const PendingSyscall& syscall,
                                int64_t ret) {
  auto& open = source.calls->calls();
  if (open.empty() || open.back().id != syscall.call) return;
  OpenCall& call = open.back();
  const FunctionInfo& function = source.function(call.function);
  const SyscallSpec& spec = syscall_spec(syscall.nr);
  if (!function.thin || !is_same_call(function.name, spec.name)) return;
  call.thin_result = ret;
  call.thin_text = ret_text_;
  const auto specs = specs_of(function.spec);
  const auto words = std::span(syscall.args).first(spec.arg_count);
  const bool has_the_same_args =
      std::ranges::equal(specs, std::span(spec.args).first(words.size())) &&
      call.words.size() >= words.size() &&
      std::equal(words.begin(), words.end(), call.words.begin());
  if (!has_the_same_args)
    finish_args(source, call, ret < 0 ? ~0ull : static_cast<uint64_t>(ret));
  else if (!all_known_at_entry(specs) && call.final_args.empty())
    call.final_args = args_text_;
}

void Pipeline::fill_call_args(const FunctionSpec* spec, const OpenCall& call,
                              const std::vector<DecodedArg>& shown_args) {
  const auto specs = specs_of(spec);
  fill_words(specs, call.words, args_);
  if (args_.size() < shown_args.size()) args_.resize(shown_args.size(), {.type = WC_ARG_UNKNOWN});
  for (size_t i = 0; i < shown_args.size(); i++) {
    wc_arg& arg = args_[i];
    const DecodedArg& one = shown_args[i];
    arg.text = one.text.c_str();
    if (!one.is_string && i >= specs.size()) set_variadic(arg, one.text);
    if (one.is_string || arg.type == WC_ARG_STRING) {
      const std::string& shown = one.is_string ? one.data : one.text;
      arg.type = WC_ARG_STRING;
      arg.text = shown.data();
      arg.length = static_cast<uint32_t>(shown.size());
    }
  }
}

template <typename Event>
void Pipeline::fill_frames(std::span<const StackFrame> stack, Event& event) {
  frames_.clear();
  for (const StackFrame& frame : stack)
    if (!frame.is_hidden)
      frames_.push_back({caller_event(frame.at, frame.ip), frame.at.file_offset});
  event.frames = frames_.data();
  event.frame_count = static_cast<uint32_t>(frames_.size());
}
template void Pipeline::fill_frames(std::span<const StackFrame> stack, wc_process& event);
template void Pipeline::fill_frames(std::span<const StackFrame> stack, wc_syscall& event);

std::shared_ptr<const Stack> Pipeline::stack_at_stop(const EventSource& source,
                                                     const StackRegisters& registers) {
  if (!interpreters_.wanted()) return unwind(source, registers);
  Stack native = unwinder_.unwind(source.pid, registers, *source.memory);
  const Interpreters::Where where{source.pid, source.tid, symbols_.map_generation(source.pid)};
  return std::make_shared<const Stack>(
      interpreters_.with_functions(where, *source.memory, std::move(native), depth_));
}

// The stack of its first syscall ends before the call where the unwinder cannot go on (clone), or
// where it is cut off: then it is unwound from the shim's frame.
std::shared_ptr<const Stack> Pipeline::stack_of_call(const EventSource& source,
                                                     const wc_scope& scope) {
  const uint64_t caller_sp = caller_sp_of(source, scope);
  const bool is_reached = source.stack != nullptr && !source.own_row(scope.function) &&
                          !frames_behind(*source.stack, scope.sp, caller_sp).empty();
  const bool is_its_own =
      source.stack != nullptr && !source.stack->empty() && source.stack->front().sp == caller_sp;
  if (source.stack == nullptr || is_reached || is_its_own) return source.stack;
  const auto registers = caller_registers(source, scope);
  if (!registers) return nullptr;
  return journal_.stack([&] {
    return source.is_recorded ? unwind(source, *registers) : stack_at_stop(source, *registers);
  });
}

void Pipeline::announce(const EventSource& source, OpenCall& call, const wc_scope& scope,
                        CallAudience audience) {
  const FunctionInfo& function = source.function(call.function);
  const bool changes =
      wants_text() && call.typed == nullptr && !all_known_at_entry(specs_of(function.spec));
  if (changes) {
    // What the call will write is shown as an address until it has returned.
    shown_ = call.args;
    DecodeContext context{*source.memory, options_, source.pid};
    decode_exit_args(context, specs_of(function.spec), call.words, {ArgKind::LongResult, 0},
                     kUnknownResult, shown_);
  }
  const std::vector<DecodedArg>& shown = changes ? shown_ : call.args;
  if (call.typed != nullptr) {
    args_.clear();
    for (const TypedValue& value : call.typed->values) args_.push_back(typed_arg(value));
  } else {
    fill_call_args(function.spec, call, shown);
  }
  wc_call event{};
  event.ts = call.ts;
  event.pid = source.pid;
  event.tid = source.tid;
  event.id = call.id;
  event.parent = call.parent;
  event.depth = call.depth;
  event.weight = call.weight;
  event.function = function.name.c_str();
  event.symbol = function.symbol.c_str();
  event.library = function.library.c_str();
  event.kind = function.kind;
  event.nargs = static_cast<uint32_t>(args_.size());
  event.args = args_.data();
  args_text_.clear();
  if (call.typed != nullptr)
    join_args(*call.typed, args_text_);
  else if (wants_text())
    join_args(shown, args_text_);
  event.args_text = args_text_.c_str();
  event.caller.address = scope.caller;
  if (wants(WC_WANT_CALLER))
    event.caller = caller_event(symbols_.locate(source.pid, scope.caller), scope.caller);
  const auto stack = stack_of_call(source, scope);
  if (stack != nullptr)
    fill_frames(frames_behind(*stack, scope.sp, caller_sp_of(source, scope)), event);
  if (audience != CallAudience::kWantsSyscallsOnly) call.told_all_calls = true;
  if (audience != CallAudience::kWantsAllCalls) call.told_syscalls_only = true;
  events_.call(event, audience);
}

void Pipeline::open_calls(const EventSource& given, std::span<const wc_scope> given_scopes,
                          bool for_syscall, bool has_call_time) {
  const size_t known = given.calls->common(given_scopes);
  const auto is_told = [&](const OpenCall& call) {
    return !for_syscall || call.told_syscalls_only;
  };
  if (known == given_scopes.size() && std::ranges::all_of(given.calls->calls(), is_told)) return;
  std::vector<wc_scope> scopes(given_scopes.begin(), given_scopes.end());
  for (wc_scope& scope : std::span(scopes).subspan(known))
    if (has_call_time || scope.function & kBreakFunction) scope.tsc = clock_.nanoseconds(scope.tsc);
  const TapedCall taped(tape_.get(), TapeOp::OpenCalls, given);
  const EventSource& source = taped.source();
  if (taped) {
    const auto flags = static_cast<uint8_t>((for_syscall ? TapedScopes::kForSyscall : 0) |
                                            (has_call_time ? TapedScopes::kHasTime : 0));
    tape_scopes(*tape_, source, scopes, flags, known);
  }
  // Calls that were told to those who want all of them, and now make a syscall: tell the others.
  auto& open = source.calls->calls();
  for (size_t i = 0; for_syscall && i < known; i++)
    if (!open[i].told_syscalls_only && !open[i].is_quiet)
      announce(source, open[i], scopes[i], CallAudience::kWantsSyscallsOnly);
  auto fresh = source.calls->unknown(scopes);
  auto audience = for_syscall ? CallAudience::kEveryone : CallAudience::kWantsAllCalls;
  for (const wc_scope& scope : fresh) {
    bool has_time = has_call_time || scope.function & kBreakFunction;
    open_call(source, scope, has_time ? scope.tsc : journal_.now(), audience);
  }
}

void Pipeline::open_call(const EventSource& source, const wc_scope& scope, uint64_t ts,
                         CallAudience audience) {
  const auto& open = source.calls->calls();
  const uint64_t parent = open.empty() ? 0 : open.back().id;
  const auto depth = static_cast<uint32_t>(open.size());
  OpenCall& call = source.calls->push();
  call.seq = scope.seq;
  call.id = next_call_++;
  call.parent = parent;
  call.depth = depth;
  call.function = scope.function;
  call.weight = source.calls->calls().front().weight;
  if (depth == 0) call.weight = source.modes != nullptr ? source.modes->weight(scope.function) : 1;
  call.ts = call.last_ts = ts;
  if (auto row = source.own_row(scope.function)) own_scope(source, *row, scope.args[0]);
  const auto& calls = source.calls->calls();
  call.is_quiet = depth != 0 && calls[depth - 1].is_quiet;
  if (call.is_quiet) return;
  decode_call(source, call, scope);
  announce(source, call, scope, audience);
}

// What a function with a breakpoint returns, where its type is known.
std::optional<TypedValue> Pipeline::typed_result(const EventSource& source,
                                                 const FunctionInfo& function) {
  if (!wants_text() || function.kind != WC_FUNCTION_BREAKPOINT) return std::nullopt;
  return journal_.value([&]() -> std::optional<TypedValue> {
    const FunctionPrototype* prototype = function.prototype();
    if (prototype == nullptr) return std::nullopt;
    if (prototype->result.type == nullptr) return TypedValue{};
    if (source.returned == nullptr) return std::nullopt;
    return decode_result(decode_context(source), *prototype, *source.returned);
  });
}

std::string Pipeline::result_text(const EventSource& source, const FunctionInfo& function,
                                  const EndedCall& end) {
  if (!wants_text()) return {};
  if (end.unwound) return never_returns(function) ? "?" : "";
  if (!end.call.thin_text.empty() && is_result(end, end.call.thin_result))
    return end.call.thin_text;
  const DecodeContext context = decode_context(source);
  const ArgSpec result =
      function.spec != nullptr ? function.spec->result : ArgSpec{ArgKind::Hex, 0};
  return decode_call_result(context, result, end.ret, end.error);
}

void Pipeline::ended(const EventSource& source, EndedCall& end) {
  if (!end.call.told_all_calls && !end.call.told_syscalls_only) return;
  const FunctionInfo& function = source.function(end.call.function);
  wc_return event{};
  event.ts = std::max(end.tsc, end.call.last_ts);
  event.dur = event.ts - std::min(event.ts, end.call.ts);
  event.pid = source.pid;
  event.tid = source.tid;
  event.call = end.call.id;
  event.ret = end.ret;
  if (end.unwound)
    event.flags = uint32_t{never_returns(function) ? WC_RETURN_NEVER : WC_RETURN_UNWOUND};
  event.depth = end.call.depth;
  event.function = function.name.c_str();
  const auto typed = end.unwound ? std::nullopt : typed_result(source, function);
  const std::string text = typed ? typed->shown.text : result_text(source, function, end);
  event.ret_text = text.c_str();
  if (!end.unwound) finish_args(source, end.call, end.ret);
  if (!end.call.final_args.empty()) event.args_text = end.call.final_args.c_str();
  ArgKind kind = function.spec != nullptr ? function.spec->result.kind : ArgKind::Hex;
  wc_arg value{};
  value.type = type_of(kind);
  value.value = value_of(kind, end.ret);
  if (typed) value = typed_arg(*typed);
  const bool is_void = typed ? text.empty() : kind == ArgKind::Void || kind == ArgKind::NoReturn;
  if (!end.unwound && !is_void) event.value = &value;
  bool all = end.call.told_all_calls, some = end.call.told_syscalls_only;
  events_.ret(event, all && some ? CallAudience::kEveryone
                     : all       ? CallAudience::kWantsAllCalls
                                 : CallAudience::kWantsSyscallsOnly);
}

void Pipeline::end_replaced(const EventSource& given) {
  const TapedCall taped(tape_.get(), TapeOp::EndReplaced, given);
  const EventSource& source = taped.source();
  for (EndedCall& end : source.calls->drop_all()) {
    if (is_exec(source.function(end.call.function).name)) end.unwound = false;  // with 0
    ended(source, end);
  }
}

void Pipeline::drop_missing(const EventSource& given, std::span<const wc_scope> scopes) {
  const size_t left = given.calls->common(scopes);
  if (left == given.calls->calls().size()) return;
  const TapedCall taped(tape_.get(), TapeOp::DropMissing, given);
  const EventSource& source = taped.source();
  if (taped) {
    tape_scopes(*tape_, source, scopes.first(left), 0, left);
  }
  for (EndedCall& end : source.calls->drop_missing(scopes)) ended(source, end);
}

}  // namespace wc
