// What a back end with WC_WANT_VERDICTS has decided about a syscall.
#pragma once

#include <cstdint>

#include "wc_backend.h"

namespace wc {

struct BackendVerdict {
  wc_verdict_kind kind = WC_GO_ON;
  wc_verdict details{};
  uint32_t backend = 0;  // the number of the one that has decided

  // Whether the program notices; the others say what is reported.
  [[nodiscard]] bool changes_something() const { return kind != WC_GO_ON && kind != WC_STOP_SCOPE; }
};

}  // namespace wc
