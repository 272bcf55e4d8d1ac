// Any text is a rule, a claim, or an error of one line that says something; what is one can be
// written down and read again, and asked about numbers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "claims/claim.h"
#include "rules/rule.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_error(const wc::Error& error) {
  check(!error.message.empty());
  check(std::ranges::none_of(error.message,
                             [](unsigned char byte) { return byte < ' ' || byte == 0x7f; }));
}

void check_rule(wc::RuleKind kind, std::string_view text) {
  const auto rule = wc::parse_rule(kind, text);
  if (!rule) return check_error(rule.error());
  check(rule->probability >= 0 && rule->probability <= 1);
  check(rule->when.first >= 1 && rule->when.step >= 1 && rule->when.first <= rule->when.last);
  check(!rule->when.holds(rule->when.first - 1) && rule->when.holds(rule->when.first));
  for (const wc::RuleCondition& condition : rule->conditions) check(condition.argument < 6);
  for (const wc::Poke& poke : rule->action.poke_enter) check(poke.argument < 6);
  const auto again = wc::parse_rule(kind, rule->text);
  check(again.ok() && again->text == rule->text && again->action_text == rule->action_text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto kind : {wc::RuleKind::Inject, wc::RuleKind::Fault, wc::RuleKind::Deny})
    check_rule(kind, text);
  const auto claim = wc::parse_claim(text, "claims.txt:3");
  if (!claim) {
    check_error(claim.error());
    return 0;
  }
  check(!wc::number_text(*claim, claim->limit).empty());
  const bool takes_equal = claim->op == wc::ClaimOp::Equal || claim->op == wc::ClaimOp::AtMost ||
                           claim->op == wc::ClaimOp::AtLeast;
  check(claim->holds(claim->limit) == takes_equal);
  return 0;
}
