// Results as JSON, for programs: every sample, and what follows from them.
#pragma once

#include <string>
#include <vector>

#include "measure/machine.h"
#include "measure/measure.h"

namespace wc::measure {

// {"date": ..., "kernel": ..., "cpu": ..., "load": X, "facts": [SENTENCE, ...]}
std::string head_json(const Machine& machine, const std::vector<std::string>& facts);

// {"title": T, "unit": U, "better": "less", "reference": NAME, "variants": [{"name": N, "command":
// [...], "skipped": WHY, "failure": WHY, "samples": [{"round": N, "figure": X, "wall": S, "cpu":
// S}], "figure": {"median": X, "low": X, "high": X}, "wall": ..., "cpu": ..., "times": ..., "over":
// ..., "share": ..., "per_event": ..., "events": N, "attributed": N}]}; what there is not, is null.
std::string row_json(const RowResult& row);

// A standing line of a report in parts: {"NAME": VALUE}, VALUE being JSON.
std::string wrapped(const std::string& name, const std::string& json);
std::string quoted(const std::string& text);

}  // namespace wc::measure
