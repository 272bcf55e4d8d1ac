#include "rules/rule.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "catalog/glob.h"
#include "decode/decoder.h"
#include "rules/rule_words.h"

namespace wc {
namespace {

constexpr std::string_view kActions =
    "error=, retval=, signal=, syscall=, delay_enter=, delay_exit=, poke_enter=, poke_exit=, "
    "argN=, "
    "short=, corrupt=, kill, stop; conditions: from=, if=, when=, p=, count=";

std::optional<uint32_t> syscall_number(std::string_view name) {
  for (const SyscallSpec& row : syscall_rows())
    if (row.name == name) return row.nr;
  return std::nullopt;
}

// Puts a value where it belongs, or says what is wrong with it.
template <typename Value, typename Field>
Status put(Result<Value> value, Field& field) {
  if (!value) return value.error();
  field = *value;
  return Done{};
}

Status set_result(RuleAction& action, int64_t value) {
  if (action.result) return Error{"error= and retval= exclude each other, and stand once"};
  action.result = value;
  return Done{};
}

Status parse_argument(std::string_view value, size_t place, RuleAction& action) {
  if (value.starts_with('"')) {
    if (value.size() < 2 || !value.ends_with('"'))
      return Error{"a string ends with a double quote"};
    action.strings[place] = std::string(value.substr(1, value.size() - 2));
    return Done{};
  }
  return put(parse_flag_expression(value), action.words[place]);
}

Status parse_probability(std::string_view text, Rule& rule) {
  const size_t comma = text.find(',');
  const std::string_view number = text.substr(0, comma);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), rule.probability);
  if (number.empty() || error != std::errc() || end != number.data() + number.size() ||
      rule.probability < 0 || rule.probability > 1)
    return Error{"p=" + std::string(number) + " is no number from 0 to 1"};
  if (comma == std::string_view::npos) return Done{};
  const std::string_view seed = text.substr(comma + 1);
  if (!seed.starts_with("seed=")) return Error{"behind p= only seed=N may stand"};
  rule.seed_given = true;
  return put(parse_number(seed.substr(5)), rule.seed);
}

Status parse_counted_by(std::string_view text, Rule& rule) {
  if (text == "thread")
    rule.counted_by = CountedBy::Thread;
  else if (text == "process")
    rule.counted_by = CountedBy::Process;
  else if (text == "run")
    rule.counted_by = CountedBy::Run;
  else
    return Error{"count=" + std::string(text) + ": valid are thread, process, run"};
  return Done{};
}

void parse_from(std::string_view text, Rule& rule) {
  const size_t at = text.find('@');
  rule.from_symbol = std::string(text.substr(0, at));
  if (at != std::string_view::npos) rule.from_object = std::string(text.substr(at + 1));
}

Status parse_error(std::string_view value, RuleAction& action) {
  auto code = parse_error_name(value);
  if (!code) return code.error();
  return set_result(action, -static_cast<int64_t>(*code));
}

Status parse_retval(std::string_view value, RuleAction& action) {
  auto number = parse_signed(value);
  if (!number) return number.error();
  return set_result(action, *number);
}

Status parse_syscall(std::string_view value, RuleAction& action) {
  action.syscall = syscall_number(value);
  if (!action.syscall) return Error{"unknown syscall '" + std::string(value) + "'"};
  return Done{};
}

Status parse_named(std::string_view name, std::string_view value, Rule& rule) {
  RuleAction& action = rule.action;
  if (name == "error") return parse_error(value, action);
  if (name == "retval") return parse_retval(value, action);
  if (name == "signal") return put(parse_signal_name(value), action.signal);
  if (name == "syscall") return parse_syscall(value, action);
  if (name == "delay_enter") return put(parse_duration(value), action.delay_enter);
  if (name == "delay_exit") return put(parse_duration(value), action.delay_exit);
  if (name == "poke_enter") return put(parse_pokes(value), action.poke_enter);
  if (name == "poke_exit") return put(parse_pokes(value), action.poke_exit);
  if (name == "short") return put(parse_number(value), action.most);
  if (name == "corrupt") return put(parse_number(value), action.corrupt);
  if (name == "when") return put(parse_when(value), rule.when);
  if (name == "p") return parse_probability(value, rule);
  if (name == "count") return parse_counted_by(value, rule);
  if (name.size() == 4 && name.starts_with("arg") && name[3] >= '1' && name[3] <= '6')
    return parse_argument(value, static_cast<size_t>(name[3] - '1'), action);
  return Error{"unknown part '" + std::string(name) + "='; valid: " + std::string(kActions)};
}

Status parse_part(std::string_view part, Rule& rule) {
  if (part == "kill") return rule.action.kill = true, Status{Done{}};
  if (part == "stop") return rule.action.stop = true, Status{Done{}};
  if (part.starts_with("if=")) {
    auto condition = parse_condition(part.substr(3));
    if (!condition) return condition.error();
    rule.conditions.push_back(std::move(*condition));
    return Done{};
  }
  if (part.starts_with("from=")) return parse_from(part.substr(5), rule), Status{Done{}};
  const size_t equals = part.find('=');
  if (equals == std::string_view::npos)
    return Error{"unknown part '" + std::string(part) + "'; valid: " + std::string(kActions)};
  return parse_named(part.substr(0, equals), part.substr(equals + 1), rule);
}

bool is_condition(std::string_view part) {
  for (std::string_view begin : {"from=", "if=", "when=", "p=", "count="})
    if (part.starts_with(begin)) return true;
  return false;
}

Status parse_where(std::string_view text, Rule& rule) {
  const size_t at = text.find('@');
  auto syscalls = parse_syscall_filter(text.substr(0, at));
  if (!syscalls) return syscalls.error();
  rule.syscalls = *syscalls;
  if (at == std::string_view::npos) return Done{};
  std::string plain;
  std::string_view left = text.substr(at + 1);
  while (!left.empty()) {
    const size_t comma = std::min(left.find(','), left.size());
    const std::string_view one = left.substr(0, comma);
    if (one.find("::") != std::string_view::npos)
      rule.methods.emplace_back(one.substr(one.starts_with("::") ? 2 : 0));
    else
      plain += (plain.empty() ? "" : ",") + std::string(one);
    left.remove_prefix(std::min(comma + 1, left.size()));
  }
  auto functions = parse_selection(plain);
  if (!functions) return functions.error();
  rule.functions = std::move(*functions);
  if (rule.functions.empty() && rule.methods.empty())
    return Error{"no function is named behind '@'"};
  return Done{};
}

Status complete(Rule& rule) {
  const RuleAction& action = rule.action;
  if (rule.kind == RuleKind::Deny && !action.result) rule.action.result = -EPERM;
  if (rule.kind == RuleKind::Fault && !action.result) rule.action.result = -ENOSYS;
  if (rule.kind != RuleKind::Inject && rule.action_text.empty())
    rule.action_text = "error=" + std::string(errno_name(static_cast<int>(-*rule.action.result)));
  if (rule.action_text.empty())
    return Error{"nothing is to happen: an action is missing; valid: " + std::string(kActions)};
  if (action.syscall && !action.result && rule.kind != RuleKind::Inject)
    return Error{"syscall= belongs to --inject"};
  return Done{};
}

std::string_view option_of(RuleKind kind) {
  return kind == RuleKind::Inject ? "--inject" : kind == RuleKind::Fault ? "--fault" : "--deny";
}

}  // namespace

Result<Rule> parse_rule(RuleKind kind, std::string_view text, std::string_view where) {
  Rule rule;
  rule.text = std::string(text);
  rule.kind = kind;
  const auto parts = split_rule(text);
  Status status = parse_where(parts[0], rule);
  for (size_t i = 1; i < parts.size() && status; i++) {
    status = parse_part(parts[i], rule);
    if (!is_condition(parts[i]))
      rule.action_text += (rule.action_text.empty() ? "" : ":") + parts[i];
  }
  if (status) status = complete(rule);
  if (!status)
    return Error{printable(std::string(where.empty() ? option_of(kind) : where) + " '" + rule.text +
                           "': " + status.error().message)};
  return rule;
}

bool choose_seed(Rule& rule) {
  if (rule.probability >= 1 || rule.seed_given) return false;
  if (getrandom(&rule.seed, sizeof rule.seed, 0) != sizeof rule.seed)
    rule.seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return true;
}

bool is_from_place(const Rule& rule, std::string_view object, std::string_view symbol) {
  if (!rule.from_object.empty() && !match_library(rule.from_object, base_name(object)))
    return false;
  return rule.from_symbol.empty() || matches_symbol(rule.from_symbol, symbol);
}

bool matches_symbol(std::string_view glob, std::string_view symbol) {
  return match_glob(glob, symbol) || match_glob(glob, symbol.substr(0, symbol.find('(')));
}

}  // namespace wc
