// The first run of each row, which is not timed: it warms the caches, shows whether the tool works
// on this program, and what its trace holds.
#pragma once

#include <optional>

#include "compare/request.h"
#include "measure/child.h"
#include "measure/measure.h"

namespace wc::compare {

class WarmUp {
 public:
  // `row`: what holds for all variants; its own variants are not looked at.
  WarmUp(measure::Row row, double limit) : row_(std::move(row)), limit_(limit) {}

  // Runs the program itself, twice, to see whether its output is the same each time. An error says
  // why nothing can be compared.
  Status native(const measure::Variant& variant);
  void set_limit(double seconds) { limit_ = seconds; }

  // Fills in `failure` or `seen`, and what the trace held.
  TraceCount other(Entry& entry);

  [[nodiscard]] double native_seconds() const { return native_seconds_; }
  [[nodiscard]] bool output_varies() const { return output_varies_; }

 private:
  struct Run {
    Result<measure::Sample> sample;
    ScopedFd out, err;
  };
  Result<Run> run(const measure::Variant& variant, std::size_t index);
  [[nodiscard]] std::string judge(const Run& run, const Entry& entry) const;
  [[nodiscard]] bool is_output_checked() const { return !row_.load && !row_.figure; }

  measure::Row row_;
  double limit_;
  double native_seconds_ = 0;
  int native_status_ = 0;
  ScopedFd native_out_;
  bool output_varies_ = false;
};

}  // namespace wc::compare
