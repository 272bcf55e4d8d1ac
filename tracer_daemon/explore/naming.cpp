#include "explore/naming.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.h"
#include "catalog/selection.h"

namespace wc::explore {
namespace {

constexpr std::string_view kAnyError = ":error=EIO";

bool is_plain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$';
  });
}

bool is_from(const Rule& rule, const Place& caller) {
  return is_from_place(rule, caller.object, caller.symbol);
}

// Whether the rule's grammar takes these words for what they are: a name may hold its signs.
bool means(const std::string& text, const std::string& symbol, std::string_view object,
           const Place& caller) {
  const auto rule = parse_rule(RuleKind::Inject, text + std::string(kAnyError));
  return rule && rule->from_symbol == symbol && rule->from_object == object &&
         rule->action_text == kAnyError.substr(1) && is_from(*rule, caller);
}

}  // namespace

Naming naming_for(std::string_view functions, std::string_view breakpoints) {
  if (!breakpoints.empty()) return Naming::WithoutFunction;
  char before = ',';
  for (const char c : functions) {
    const bool begins = before == ',' || before == ' ' || before == '!';
    if (c == '@' && !begins) return Naming::WithoutFunction;
    before = c;
  }
  return Naming::WithFunction;
}

std::string PointName::rule(std::string_view error) const {
  return fmt::format("{}:error={}:when={}{}", where, error, when, by_run ? ":count=run" : "");
}

std::string Namer::where(const Syscall& syscall) const {
  std::string text = syscall.name;
  const std::vector<const Call*> open = trace_.open_calls(syscall);
  if (open.empty()) return text;
  if (naming_ == Naming::WithFunction && is_plain(open.front()->function)) {
    const std::string named = text + "@" + open.front()->function;
    if (parse_rule(RuleKind::Inject, named + std::string(kAnyError))) text = named;
  }
  const Place& caller = open.back()->caller;
  const std::string symbol = caller.symbol.substr(0, caller.symbol.find('('));
  const std::string object(base_name(caller.object));
  for (const auto& [from, at] : {std::pair(symbol, object), {"", object}, {symbol, ""}}) {
    if (from.empty() && at.empty()) continue;
    const std::string with = text + ":from=" + from + (at.empty() ? "" : "@" + at);
    if (means(with, from, at, caller)) return with;
  }
  return text;
}

bool Namer::is_inside(const Rule& rule, const std::string& where, const Call& call) {
  auto [known, is_new] =
      inside_.try_emplace({where.substr(0, where.find(':')), call.function + "@" + call.library});
  if (is_new) {
    const Candidate candidate{call.function, call.library, call.library.starts_with("libc.so.")};
    const auto found = select(rule.functions, {&candidate, 1}, false);
    known->second = found.ok() && !found->selected.empty();
  }
  return known->second;
}

bool Namer::holds(const Rule& rule, const std::string& where, const Syscall& syscall) {
  const std::vector<const Call*> open = trace_.open_calls(syscall);
  const bool has_from = !rule.from_symbol.empty() || !rule.from_object.empty();
  if (has_from && (open.empty() || !is_from(rule, open.back()->caller))) return false;
  return rule.functions.empty() || std::any_of(open.begin(), open.end(), [&](const Call* call) {
           return is_inside(rule, where, *call);
         });
}

PointName Namer::name(std::size_t place) {
  const Syscall& wanted = trace_.syscalls[place];
  PointName name;
  name.where = where(wanted);
  const auto rule = parse_rule(RuleKind::Inject, name.where + std::string(kAnyError));
  std::set<pid_t> threads;
  uint64_t count = 0;
  for (std::size_t i = 0; rule && i < trace_.syscalls.size(); i++) {
    const Syscall& other = trace_.syscalls[i];
    if (other.name != wanted.name || !holds(*rule, name.where, other)) continue;
    threads.insert(other.tid);
    if (i <= place) count++;
  }
  name.when = std::max<uint64_t>(count, 1);
  // Each thread counts for itself, and so does what a process executes.
  name.by_run = threads.size() > 1 || trace_.executions > 0;
  return name;
}

}  // namespace wc::explore
