// -g: which gate this kernel allows.
#pragma once

#include <string>

#include "base/result.h"
#include "config/options.h"
#include "launch/sandbox.h"
#include "protocol/shared.h"

namespace wc {

struct GateDecision {
  wc_gate gate = WC_GATE_TRAP;
  std::string why;  // for -v
};

// An explicit gate that the kernel lacks is an error; `auto` takes the cheapest there is.
Result<GateDecision> choose_gate(GateChoice choice, const Sandbox& sandbox);

}  // namespace wc
