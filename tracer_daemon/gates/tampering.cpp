#include "gates/tampering.h"

#include <sys/user.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>

#include "decode/decoder.h"
#include "wc_backend.h"

namespace wc {
namespace {

using RegisterField = unsigned long long user_regs_struct::*;
constexpr RegisterField kArguments[6] = {&user_regs_struct::rdi, &user_regs_struct::rsi,
                                         &user_regs_struct::rdx, &user_regs_struct::r10,
                                         &user_regs_struct::r8,  &user_regs_struct::r9};
constexpr uint64_t kMostCorrupted = 65536;  // bytes of the data, from its beginning

// The data that a syscall reads or writes: where it is and how long it may be.
struct Data {
  size_t address, size;  // places of the arguments
  bool is_written;       // by the syscall, into the program's memory
};

std::optional<Data> data_of(uint32_t nr) {
  const SyscallSpec& spec = syscall_spec(nr);
  for (size_t i = 0; i < spec.arg_count; i++) {
    const ArgSpec& arg = spec.args[i];
    const bool is_in = arg.kind == ArgKind::BufferIn || arg.kind == ArgKind::BufferInText;
    const bool is_out = arg.kind == ArgKind::BufferOut || arg.kind == ArgKind::BufferOutText ||
                        arg.kind == ArgKind::BufferOutHex;
    if (is_in || is_out) return Data{i, arg.aux, is_out};
  }
  return std::nullopt;
}

std::optional<size_t> descriptor_place(uint32_t nr) {
  const SyscallSpec& spec = syscall_spec(nr);
  for (size_t i = 0; i < spec.arg_count; i++)
    if (spec.args[i].kind == ArgKind::Fd || spec.args[i].kind == ArgKind::DirFd) return i;
  return std::nullopt;
}

}  // namespace

void Tampering::choose(Thread& thread, const EnteredSyscall& entered,
                       std::span<const wc_scope> scopes, Inflight& entry) {
  const auto chosen =
      run_.options.rules->choose(entered.nr, entered.args, questions(thread, entered, scopes),
                                 {&thread.rule_counts, &thread.process->rule_counts});
  if (!chosen) return;
  const Rule& rule = run_.options.rules->rule(*chosen);
  entry.tampered.action = &rule.action;
  entry.tampered.rule = *chosen;
  entry.syscall.injected = &rule.action_text;
  entry.syscall.rule = static_cast<uint32_t>(*chosen);
  poke(thread, entered.args, rule.action.poke_enter);
}

namespace {

DecidedAction action_of(const BackendVerdict& verdict) {
  DecidedAction decided;
  switch (verdict.kind) {
    case WC_FAIL:
      decided.action.result = -verdict.details.value;
      decided.text = "error=" + std::string(errno_name(static_cast<int>(verdict.details.value)));
      break;
    case WC_RETURN:
      decided.action.result = verdict.details.value;
      decided.text = "retval=" + std::to_string(verdict.details.value);
      break;
    case WC_CHANGE:
      std::ranges::copy(verdict.details.args, decided.action.words.begin());
      decided.text = "args";
      break;
    default:
      decided.action.kill = true;
      decided.text = "kill";
  }
  return decided;
}

}  // namespace

void Tampering::decide(const BackendVerdict& verdict, Inflight& entry) {
  if (entry.tampered.action != nullptr || !verdict.changes_something()) return;
  auto decided = std::make_shared<const DecidedAction>(action_of(verdict));
  entry.tampered.action = &decided->action;
  entry.syscall.injected = &decided->text;
  entry.syscall.rule = verdict.backend;
  entry.syscall.rule_flags |= WC_SYSCALL_BY_VERDICT;
  entry.tampered.decided = std::move(decided);
}

void Tampering::on_entry(const StoppedThread& stop, Thread& thread, const EnteredSyscall& entered,
                         Inflight& entry) {
  Tampered& tampered = entry.tampered;
  user_regs_struct regs{};
  if (!stop.registers(regs)) return;  // the thread is dying
  const RuleAction& action = *tampered.action;
  // What signal_calls.h has changed is put back by itself.
  for (size_t i = 0; i < tampered.own_args.size(); i++) tampered.own_args[i] = regs.*kArguments[i];
  change_arguments(thread, entered, regs, tampered);
  if (action.result || action.syscall)
    regs.orig_rax = action.syscall ? uint64_t{*action.syscall} : ~uint64_t{0};
  if (!stop.set_registers(regs)) return;
  if (action.delay_enter != 0) {
    thread.delayed_by = action.delay_enter;
    entry.syscall.rule_flags |= WC_SYSCALL_DELAYED;
  }
  send(thread, action);
}

int64_t Tampering::on_exit(const StoppedThread& stop, Thread& thread, Inflight& done, int64_t ret) {
  Tampered& tampered = done.tampered;
  const RuleAction& action = *tampered.action;
  for (const OverwrittenMemory& place : tampered.places) place.put_back(thread.process->memory);
  user_regs_struct regs{};
  if (!stop.registers(regs)) return ret;  // the thread is dying
  if (tampered.changed_args)
    for (size_t i = 0; i < tampered.own_args.size(); i++)
      regs.*kArguments[i] = tampered.own_args[i];
  if (action.result) {
    ret = *action.result;
    regs.rax = static_cast<uint64_t>(ret);
    done.syscall.rule_flags |= WC_SYSCALL_INJECTED;
  }
  if (tampered.changed_args || action.result) (void)stop.set_registers(regs);
  const std::span<const uint64_t, 6> args(done.syscall.args, 6);
  poke(thread, args, action.poke_exit);
  if (const auto data = data_of(done.syscall.nr);
      action.corrupt != 0 && data && data->is_written && ret > 0) {
    Tampered kept;  // what was read stays changed
    kept.rule = tampered.rule;
    kept.action = tampered.action;
    corrupt(thread, kept, args[data->address], static_cast<uint64_t>(ret));
  }
  if (!action.poke_enter.empty() || !action.poke_exit.empty() || tampered.changed_args)
    done.syscall.rule_flags |= WC_SYSCALL_INJECTED_ARGS;
  if (action.delay_exit != 0) {
    thread.delayed_by = action.delay_exit;
    done.syscall.rule_flags |= WC_SYSCALL_DELAYED;
  }
  return ret;
}

void Tampering::change_arguments(Thread& thread, const EnteredSyscall& entered,
                                 user_regs_struct& regs, Tampered& tampered) {
  const RuleAction& action = *tampered.action;
  uint64_t room = entered.sp - kBelowRedZone;
  for (size_t i = 0; i < action.words.size(); i++) {
    if (action.words[i]) regs.*kArguments[i] = *action.words[i];
    if (action.strings[i]) {
      const std::string& text = *action.strings[i];
      room -= (text.size() + 16) & ~uint64_t{15};
      OverwrittenMemory place;
      if (!place.overwrite(thread.process->memory, {room}, text.c_str(), text.size() + 1)) continue;
      tampered.places.push_back(std::move(place));
      regs.*kArguments[i] = room;
    }
    tampered.changed_args = tampered.changed_args || action.words[i] || action.strings[i];
  }
  const auto data = data_of(entered.nr);
  if (!data) return;
  if (action.most && regs.*kArguments[data->size] > *action.most) {
    regs.*kArguments[data->size] = *action.most;
    tampered.changed_args = true;
  }
  if (action.corrupt != 0 && !data->is_written)
    corrupt(thread, tampered, entered.args[data->address], entered.args[data->size]);
}

// Flips bytes at places that the rule's own generator chooses.
void Tampering::corrupt(Thread& thread, Tampered& tampered, uint64_t address, uint64_t size) {
  size = std::min(size, kMostCorrupted);
  ProcessMemory& memory = thread.process->memory;
  for (uint32_t i = 0; i < tampered.action->corrupt && size != 0; i++) {
    const uint64_t random = run_.options.rules->random(tampered.rule);
    const uint64_t at = address + random % size;
    uint8_t byte = 0;
    if (!memory.read_all({at}, &byte, 1)) return;
    byte = static_cast<uint8_t>(byte ^ (1 + (random >> 32) % 255));
    OverwrittenMemory place;
    if (place.overwrite(memory, {at}, &byte, 1))
      tampered.places.insert(tampered.places.begin(), place);
  }
}

// Where the program's pointer leads nowhere, nothing is written, as by strace.
void Tampering::poke(Thread& thread, std::span<const uint64_t, 6> args,
                     std::span<const Poke> pokes) {
  for (const Poke& one : pokes)
    (void)thread.process->memory.write({args[one.argument]}, one.bytes.data(), one.bytes.size());
}

void Tampering::send(Thread& thread, const RuleAction& action) const {
  if (action.signal != 0) thread.rule_signal = action.signal;
  if (action.stop) thread.rule_signal = SIGSTOP;
  if (action.kill) kill(thread.process->pid, SIGKILL);
}

// ---- what rules ask

RuleQuestions Tampering::questions(Thread& thread, const EnteredSyscall& entered,
                                   std::span<const wc_scope> scopes) {
  return {.is_inside = [this, &thread,
                        scopes](const Rule& rule) { return is_inside(thread, scopes, rule); },
          .is_from = [this, &thread,
                      scopes](const Rule& rule) { return is_from(thread, scopes, rule); },
          .has_path = [this, &thread, &entered](
                          const std::string& glob) { return has_path(thread, entered, glob); },
          .descriptor = [&entered]() -> std::optional<uint64_t> {
            const auto place = descriptor_place(entered.nr);
            return place ? std::optional(entered.args[*place] & 0xffffffff) : std::nullopt;
          },
          .size = [&entered]() -> std::optional<uint64_t> {
            const auto data = data_of(entered.nr);
            return data ? std::optional(entered.args[data->size]) : std::nullopt;
          }};
}

bool Tampering::is_inside(Thread& thread, std::span<const wc_scope> scopes, const Rule& rule) {
  const EventSource source = thread.source();
  return std::ranges::any_of(scopes, [&](const wc_scope& scope) {
    // Its first syscall asks before it has been reported, and its name read.
    const auto row = source.own_row(scope.function);
    const FunctionInfo& function = row ? run_.pipeline.own_scope(source, *row, scope.args[0])
                                       : source.function(scope.function);
    auto [known, is_new] = inside_.try_emplace({&rule, &function}, false);
    if (is_new) {
      // "Cache::load" of "Cache::load(int)".
      known->second = std::ranges::any_of(rule.methods, [&](const std::string& glob) {
        return matches_symbol(glob, function.name);
      });
      if (function.kind == WC_FUNCTION_SCOPE)
        known->second = known->second || selects_scope(rule.functions, function.name);
      const Candidate candidate{function.symbol.empty() ? function.name : function.symbol,
                                function.library, function.spec != nullptr};
      const auto found = select(rule.functions, {&candidate, 1}, false);
      known->second = known->second || (found.ok() && !found->selected.empty());
    }
    return known->second;
  });
}

bool Tampering::is_from(Thread& thread, std::span<const wc_scope> scopes, const Rule& rule) const {
  if (scopes.empty()) return false;
  const Location& caller =
      run_.pipeline.symbols().locate(thread.process->pid, scopes.front().caller);
  return is_from_place(rule, caller.object, caller.symbol);
}

bool Tampering::has_path(Thread& thread, const EnteredSyscall& entered, const std::string& glob) {
  auto known = paths_.find(glob);
  if (known == paths_.end()) known = paths_.emplace(glob, PathFilter({&glob, 1})).first;
  return known->second.touches(run_.pipeline.decode_context(thread.source()), entered.nr,
                               entered.args);
}

}  // namespace wc
