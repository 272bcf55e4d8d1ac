// A plan as JSON: what `wc-tracerd measure FILE` reads. tests/bench writes such files.
#pragma once

#include <string>

#include "base/result.h"
#include "measure/plan.h"

namespace wc::measure {

// {"rounds": N, "limit": SECONDS, "rows": [{"title": T, "unit": U,
//    "variants": [{"name": N, "command": [WORD, ...], "skipped": WHY}, ...],
//    "figure": {"pattern": ERE, "better": "less" | "more", "from": "anywhere" | "stderr"},
//    "load": {"command": SHELL, "ready": SHELL},
//    "before": [WORD, ...], "reference": NAME, "runs": N, "pick": "mean" | "best", "per": X}, ...]}
// Only titles and the variants' names and commands must be there. An unknown key is an error.
Result<Plan> parse_plan(const std::string& text);
Result<Plan> read_plan(const std::string& path);

}  // namespace wc::measure
