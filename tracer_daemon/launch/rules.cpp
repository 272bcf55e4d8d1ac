#include "launch/rules.h"

#include <sys/random.h>

#include <utility>
#include <vector>

#include "events/tick_clock.h"
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

// A chosen seed is printed: with it the run can be repeated.
void choose_seed(Rule& rule) {
  if (rule.probability >= 1 || rule.seed_given) return;
  if (getrandom(&rule.seed, sizeof rule.seed, 0) != sizeof rule.seed) rule.seed = TickClock::now();
  complain("rule '" + rule.text + "': seed=" + std::to_string(rule.seed));
}

}  // namespace

Result<std::shared_ptr<RuleSet>> parse_rules(const Options& options) {
  std::vector<Rule> rules;
  for (const RuleText& one : options.rules) {
    auto rule = parse_rule(kind_of(one.kind), one.text, one.where);
    if (!rule) return rule.error();
    choose_seed(*rule);
    rules.push_back(std::move(*rule));
  }
  return rules.empty() ? std::shared_ptr<RuleSet>() : std::make_shared<RuleSet>(std::move(rules));
}

}  // namespace wc
