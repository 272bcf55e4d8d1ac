#include "bpf/capture_rows.h"

#include <sys/syscall.h>

#include <algorithm>

namespace wc {
namespace {

constexpr uint16_t kContext = 304;  // a handler's ucontext, up to its signal mask

constexpr uint16_t kStackWords = 16 * 8;

void add(wc_bpf_plan& plan, const wc_capture& row) {
  for (int i = 0; i < WC_BPF_CAPTURES; i++) {
    if (plan.kind_unit[i] != WC_CAPTURE_NONE) continue;
    plan.kind_unit[i] = row.kind_unit;
    plan.words[i] = row.words;
    plan.size[i] = row.size;
    return;
  }
}

uint16_t shown(const DecodeOptions& options) {
  return static_cast<uint16_t>(std::min<uint32_t>(options.string_size + 1, WC_BPF_PIECE));
}

// `word`: the arguments; the environment stands behind them, of which only the number is shown.
void add_strings(wc_bpf_plan& plan, uint8_t word, const DecodeOptions& options) {
  constexpr uint16_t kEnvironment = 2048;
  add(plan, {WC_BPF_CAPTURE_STRINGS, word, shown(options)});
  add(plan, {WC_CAPTURE_FIXED, static_cast<uint8_t>(word + 1), kEnvironment});
}

// What its pointers point to: strings, the beginnings of structures.
wc_bpf_plan plan_for_prototype(const FunctionPrototype* prototype, const DecodeOptions& options) {
  constexpr uint32_t kShown = 64;
  wc_bpf_plan plan{};
  if (prototype == nullptr) return plan;
  const auto size = static_cast<uint16_t>(
      std::min<uint32_t>(std::max(options.string_size + 1, kShown), WC_BPF_PIECE));
  for (const Parameter& one : prototype->parameters) {
    const bool is_pointer = one.type != nullptr && (one.type->kind == TypeKind::String ||
                                                    one.type->kind == TypeKind::WideString ||
                                                    one.type->kind == TypeKind::Address);
    if (is_pointer && one.place.kind == Place::Kind::Registers && !one.place.pieces[0].is_vector)
      add(plan, {WC_CAPTURE_FIXED, one.place.pieces[0].index, size});
  }
  return plan;
}

}  // namespace

wc_bpf_plan plan_for_syscall(uint32_t nr, bool is_reported, const DecodeOptions& options,
                             bool with_memory) {
  wc_bpf_plan plan{};
  plan.reported = is_reported ? 1 : 0;
  // Its frame says what it returns to, whatever is shown.
  if (nr == SYS_rt_sigreturn) add(plan, {WC_CAPTURE_FIXED, 0, kContext});
  if (!with_memory) return plan;
  if (nr == SYS_sendmsg || nr == SYS_recvmsg) {
    const uint8_t written = nr == SYS_recvmsg ? WC_CAPTURE_WRITTEN : 0;
    add(plan, {static_cast<uint8_t>(WC_BPF_CAPTURE_MESSAGE | written), 1, shown(options)});
    return plan;
  }
  if (nr == SYS_execve) add_strings(plan, 1, options);
  if (nr == SYS_execveat) add_strings(plan, 2, options);
  for (const wc_capture& row : captures_of_syscall(nr, options)) add(plan, row);
  return plan;
}

wc_bpf_plan plan_for_function(const FunctionInfo& function, const DecodeOptions& options,
                              bool with_memory) {
  wc_bpf_plan plan{};
  if (!with_memory) return plan;
  if (function.spec == nullptr) return plan_for_prototype(function.prototype(), options);
  for (const wc_capture& row : captures_of_function(*function.spec, options)) add(plan, row);
  const bool is_variadic = function.spec->stack != StackUse::None;
  if (is_variadic && ends_in_format(*function.spec))
    for (unsigned word = function.spec->arg_count; word < 6; word++)
      add(plan, {WC_CAPTURE_STRING, static_cast<uint8_t>(word), shown(options)});
  if (is_variadic || function.spec->arg_count > 6)
    add(plan, {WC_CAPTURE_FIXED, WC_BPF_CAPTURE_STACK, kStackWords});
  const std::string_view name = function.name;
  if (name == "execve" || name == "execv" || name == "execvp" || name == "execvpe" ||
      name == "posix_spawn" || name == "posix_spawnp")
    add_strings(plan, name.starts_with("posix") ? 4 : 1, options);
  return plan;
}

}  // namespace wc
