// Which of a function's calls are reported: --every, --rate, --first. The shim decides call by call
// (preload_lib/sample.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/selection.h"
#include "protocol/shared.h"

namespace wc {

struct CallSample {
  enum class Kind : uint8_t { Every, First, Rate, All };
  Kind kind = Kind::All;
  uint32_t n = 1;
  std::vector<Term> functions;
  bool of_all_functions = false;
  std::string text;  // every=10@read

  [[nodiscard]] bool reports_all() const { return kind == Kind::All; }
  // For how many calls one that is reported stands, as far as that is known.
  [[nodiscard]] uint32_t weight() const { return kind == Kind::Every ? n : 1; }
};

// `text`: N[@FUNCTIONS], FUNCTIONS as for -F; without, all functions. Kind::All: [FUNCTIONS].
Result<CallSample> parse_sample(CallSample::Kind kind, std::string_view text);

// The same as wc-ctl takes it: every=N, rate=N, first=N or off; behind a blank, FUNCTIONS.
Result<CallSample> parse_sample_request(std::string_view text);

// The last that names a function decides on it.
class SampleList {
 public:
  // Earlier ones of the same functions are forgotten; all of them where it is of all functions.
  // False: there are too many.
  [[nodiscard]] bool add(CallSample sample);
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] size_t size() const { return list_.size(); }
  [[nodiscard]] const CallSample& operator[](size_t i) const { return list_[i]; }
  // For the shim; all count from the beginning.
  void write(wc_shared_header& header) const;

 private:
  std::vector<CallSample> list_;
};

}  // namespace wc
