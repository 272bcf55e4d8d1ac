// --compare, from the request to the reports.
#pragma once

#include "base/result.h"
#include "compare/request.h"

namespace wc::compare {

enum class Verdict { AllMeasured, OwnRowFailed, Interrupted };

// Prints the table to standard output, progress to standard error, and writes the files asked for.
// An error: nothing could be compared, and why.
Result<Verdict> compare(const Request& request, const std::string& version);

}  // namespace wc::compare
