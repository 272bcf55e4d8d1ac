// --inject, --fault, --deny: from words to rules.
#pragma once

#include <memory>

#include "base/result.h"
#include "config/options.h"
#include "rules/rule_set.h"

namespace wc {

// nullptr: there are none. Seeds that are needed and were not given are chosen and printed.
Result<std::shared_ptr<RuleSet>> parse_rules(const Options& options);

}  // namespace wc
