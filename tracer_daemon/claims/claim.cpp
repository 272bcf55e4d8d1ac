#include "claims/claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "catalog/catalog.h"
#include "rules/rule.h"

namespace wc {
namespace {

constexpr std::string_view kOperators = "==, !=, <=, >=, < and >";
constexpr std::string_view kKinds = "errors, bytes, time, max, calls, count";

struct KindName {
  std::string_view name;
  ClaimKind kind;
};
constexpr KindName kKindNames[] = {{"count", ClaimKind::Count}, {"errors", ClaimKind::Errors},
                                   {"bytes", ClaimKind::Bytes}, {"time", ClaimKind::Time},
                                   {"max", ClaimKind::Max},     {"calls", ClaimKind::Calls}};

struct OpName {
  std::string_view name;
  ClaimOp op;
};
constexpr OpName kOpNames[] = {{"==", ClaimOp::Equal},  {"!=", ClaimOp::NotEqual},
                               {"<=", ClaimOp::AtMost}, {">=", ClaimOp::AtLeast},
                               {"<", ClaimOp::Less},    {">", ClaimOp::More}};

struct Unit {
  std::string_view name;
  uint64_t size;
};
// What numbers are written in, the largest first.
constexpr Unit kTimes[] = {
    {"min", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1000}, {"ns", 1}};
constexpr Unit kSizes[] = {
    {"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"GB", 1'000'000'000},
    {"MB", 1'000'000}, {"kB", 1000},      {"B", 1},          {"", 1}};

// KIND: in front. The colons of "scope:NAME" and "Class::name" are none of a kind, nor is one
// behind the '@'. "calls::f" is about f of the program, "::f".
Status take_kind(std::string_view& subject, ClaimKind& kind) {
  const size_t colon = subject.find(':');
  if (colon == subject.npos || colon > subject.find('@')) return Done{};
  const std::string_view word = trimmed(subject.substr(0, colon));
  const bool is_doubled = subject.substr(colon, 2) == "::" && subject.substr(colon, 3) != ":::";
  for (const KindName& one : kKindNames) {
    if (one.name != word) continue;
    kind = one.kind;
    subject = trimmed(subject.substr(is_doubled ? colon : colon + 1));
    return Done{};
  }
  if (is_doubled || word == "scope") return Done{};
  return Error{fmt::format("'{}:' is no kind of claim; valid: {}", word, kKinds)};
}

// SUBJECT OP N. A name may hold signs ("operator<"), a number holds none: the last ones are OP.
Status split_claim(std::string_view text, std::string_view& subject, Claim& claim,
                   std::string_view& number) {
  constexpr std::string_view kSigns = "=!<>";
  const size_t last = text.find_last_of(kSigns);
  if (last == text.npos)
    return Error{fmt::format("no operator; valid: {}, as in 'write@puts <= 3'", kOperators)};
  size_t first = last;
  if (first > 0 && kSigns.find(text[first - 1]) != kSigns.npos) --first;
  const std::string_view sign = text.substr(first, last + 1 - first);
  const auto* const known = std::find_if(std::begin(kOpNames), std::end(kOpNames),
                                         [&](const OpName& one) { return one.name == sign; });
  if (known == std::end(kOpNames))
    return Error{fmt::format("'{}' is no operator; valid: {}", sign, kOperators)};
  claim.op = known->op;
  subject = trimmed(text.substr(0, first));
  number = trimmed(text.substr(last + 1));
  if (subject.empty()) return Error{fmt::format("nothing stands in front of '{}'", sign)};
  if (number.empty()) return Error{fmt::format("no number stands behind '{}'", sign)};
  return Done{};
}

// "50ms", "1.5 s", "64KiB". Without a unit: `fallback`.
std::optional<uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view unit_text = trimmed(text.substr(end));
  const auto value = whole_number<double>(text.substr(0, end));
  if (!value) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != unit_text) continue;
    // A whole number stays exact beyond what a double holds.
    const auto whole = whole_number<uint64_t>(text.substr(0, end));
    if (whole && *whole <= UINT64_MAX / unit.size) return *whole * unit.size;
    const double scaled = *value * static_cast<double>(unit.size);
    if (whole || scaled >= 1.8e19 || scaled != std::floor(scaled)) return std::nullopt;
    return static_cast<uint64_t>(scaled);
  }
  return std::nullopt;
}

Status parse_limit(std::string_view text, Claim& claim) {
  if (claim.is_time()) {
    const auto time = parse_quantity(text, kTimes);
    if (!time)
      return Error{
          fmt::format("'{}' is no time; valid: a number with ns, us, ms, s or min, as 50ms", text)};
    claim.limit = *time;
    return Done{};
  }
  if (claim.kind == ClaimKind::Bytes) {
    const auto size = parse_quantity(text, kSizes);
    if (!size)
      return Error{
          fmt::format("'{}' is no number of bytes; valid: a number, also with kB, MB, GB, "
                      "KiB, MiB or GiB",
                      text)};
    claim.limit = *size;
    return Done{};
  }
  const auto number = whole_number<uint64_t>(text);
  if (!number)
    return Error{fmt::format("'{}' is no number; valid: a whole number, 0 or more", text)};
  claim.limit = *number;
  return Done{};
}

// A claim that cannot fail, or can never hold, is a mistake.
Status check_sense(const Claim& claim) {
  if (claim.limit != 0) return Done{};
  if (claim.op == ClaimOp::AtLeast) return Error{"it holds always: nothing is less than 0"};
  if (claim.op == ClaimOp::Less) return Error{"it never holds: nothing is less than 0"};
  return Done{};
}

Status parse_functions(std::string_view list, ClaimFunctions& functions) {
  std::string plain;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = trimmed(list.substr(0, comma));
    if (one.find("::") != one.npos)
      functions.methods.emplace_back(one.substr(one.starts_with("::") ? 2 : 0));
    else if (!one.empty())
      plain += (plain.empty() ? "" : ",") + std::string(one);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  auto terms = parse_selection(plain);
  if (!terms) return terms.error();
  functions.terms = std::move(*terms);
  if (functions.empty()) return Error{"no function is named"};
  return Done{};
}

Status parse_subject(std::string_view subject, Claim& claim) {
  if (Status kind = take_kind(subject, claim.kind); !kind) return kind;
  if (claim.kind == ClaimKind::Calls) return parse_functions(subject, claim.functions);
  const size_t at = subject.find('@');
  const std::string_view list = trimmed(subject.substr(0, at));
  auto syscalls = parse_syscall_filter(list);
  if (!syscalls) return syscalls.error();
  claim.syscalls = *syscalls;
  if (claim.syscalls.none()) return Error{fmt::format("'{}' is no system call", list)};
  if (claim.kind == ClaimKind::Bytes) {
    if (std::string why = bytes_obstacle(claim.syscalls, list); !why.empty()) return Error{why};
    claim.syscalls &= byte_movers();
  }
  if (at == subject.npos) return Done{};
  return parse_functions(subject.substr(at + 1), claim.functions);
}

Status fill(std::string_view text, Claim& claim) {
  std::string_view subject, number;
  if (Status parts = split_claim(text, subject, claim, number); !parts) return parts;
  if (Status parsed = parse_subject(subject, claim); !parsed) return parsed;
  if (Status limit = parse_limit(number, claim); !limit) return limit;
  return check_sense(claim);
}

}  // namespace

Result<Claim> parse_claim(std::string_view text, std::string_view where) {
  Claim claim;
  claim.text = trimmed(text);
  claim.where = where;
  const Status filled = fill(claim.text, claim);
  if (filled) return claim;
  const std::string place = where.empty() ? "option --expect" : std::string(where);
  return Error{
      printable(fmt::format("{}: claim '{}': {}", place, claim.text, filled.error().message))};
}

bool ClaimFunctions::select(const wc_call& call) const {
  const std::string_view function = call.function != nullptr ? call.function : "";
  const std::string_view symbol = call.symbol != nullptr ? call.symbol : function;
  const std::string_view library = call.library != nullptr ? call.library : "";
  if (std::any_of(methods.begin(), methods.end(),
                  [&](const std::string& method) { return matches_symbol(method, function); }))
    return true;
  if (terms.empty()) return false;
  if (call.kind == WC_FUNCTION_SCOPE) {
    return std::any_of(terms.begin(), terms.end(),
                       [](const Term& term) { return term.kind == Term::Kind::Scope; }) &&
           selects_scope(terms, function);
  }
  const bool is_libc = call.kind == WC_FUNCTION_WRAPPED && library.starts_with("libc.so.");
  const Candidate candidate{symbol, library, is_libc};
  const auto found = wc::select(terms, {&candidate, 1}, false);
  return found.ok() && !found->selected.empty();
}

bool Claim::holds(uint64_t number) const {
  switch (op) {
    case ClaimOp::Equal:
      return number == limit;
    case ClaimOp::NotEqual:
      return number != limit;
    case ClaimOp::AtMost:
      return number <= limit;
    case ClaimOp::AtLeast:
      return number >= limit;
    case ClaimOp::Less:
      return number < limit;
    case ClaimOp::More:
      return number > limit;
  }
  return false;
}

std::string number_text(const Claim& claim, uint64_t number) {
  if (!claim.is_time() || number == 0) return std::to_string(number);
  for (const Unit& unit : kTimes) {
    if (number < unit.size || unit.name == "min") continue;
    std::string text = fmt::format("{}", number / unit.size);
    if (number % unit.size != 0) {
      const auto digits = static_cast<int>(std::log10(static_cast<double>(unit.size)));
      text += fmt::format(".{:0{}}", number % unit.size, digits);
      text.erase(text.find_last_not_of('0') + 1);
    }
    return fmt::format("{} {}", text, unit.name);
  }
  return fmt::format("{} ns", number);
}

}  // namespace wc
