#include "launch/rules.h"

#include <utility>
#include <vector>

#include "launch/launch.h"

namespace wc {
namespace {

RuleKind kind_of(RuleText::Kind kind) {
  switch (kind) {
    case RuleText::Kind::Fault:
      return RuleKind::Fault;
    case RuleText::Kind::Deny:
      return RuleKind::Deny;
    default:
      return RuleKind::Inject;
  }
}

}  // namespace

Result<std::shared_ptr<RuleSet>> parse_rules(const Options& options) {
  std::vector<Rule> rules;
  for (const RuleText& one : options.rules) {
    auto rule = parse_rule(kind_of(one.kind), one.text, one.where);
    if (!rule) return rule.error();
    // Printed, for with it the run can be repeated.
    if (choose_seed(*rule))
      complain("rule '" + rule->text + "': seed=" + std::to_string(rule->seed));
    rules.push_back(std::move(*rule));
  }
  return rules.empty() ? std::shared_ptr<RuleSet>() : std::make_shared<RuleSet>(std::move(rules));
}

}  // namespace wc
