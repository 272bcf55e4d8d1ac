// --expect: from the options' words to what is said at the end.
#pragma once

#include <memory>
#include <string>

#include "backend_host/output.h"
#include "base/result.h"
#include "claims/claim_set.h"
#include "config/options.h"

namespace wc {

// A claim did not hold, or could not be checked.
inline constexpr int kClaimBroken = 123;

class Claims {
 public:
  Claims() = default;
  // Errors: a claim that is none, or that the other options keep from being counted; a file that
  // cannot be written.
  static Result<Claims> prepare(const Options& options);

  // Null: nothing is claimed.
  [[nodiscard]] ClaimSet* set() const { return set_.get(); }
  // Says what does not hold. Returns `status`, or kClaimBroken where that was 0.
  int finish(int status, bool was_stopped);

 private:
  [[nodiscard]] int write_junit(std::span<const ClaimOutcome> outcomes);

  std::shared_ptr<ClaimSet> set_;
  std::shared_ptr<Output> junit_;
  std::string suite_;
  uint64_t began_ = 0;
  bool says_all_ = false;  // -v
};

}  // namespace wc
