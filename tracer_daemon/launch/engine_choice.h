// What the options ask of the engines, known before anything is opened.
#pragma once

#include <string>

#include "config/options.h"
#include "protocol/shared.h"

namespace wc {

// Whether the program is given the library that wraps functions.
bool wraps(const Options& options);
// What engine inproc cannot do of what the options ask for; empty: all of it, it can. A backend
// may want more than that.
std::string inproc_obstacle(const Options& options, wc_gate gate);

}  // namespace wc
