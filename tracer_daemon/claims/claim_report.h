// What is said of the claims at the end.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "claims/claim_set.h"

namespace wc {

// One line for each claim that does not hold or could not be checked; with `all`, for each.
std::vector<std::string> claim_lines(std::span<const ClaimOutcome> outcomes, bool all);

// JUnit's XML, as CI systems read it: a test case a claim.
struct JUnitRun {
  std::string suite;      // the program
  std::string timestamp;  // "2026-11-28T18:00:00", UTC
  double seconds = 0;
};
std::string claims_junit(std::span<const ClaimOutcome> outcomes, const JUnitRun& run);

}  // namespace wc
