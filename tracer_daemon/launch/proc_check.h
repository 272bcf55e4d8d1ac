// Whether /proc shows this process and those that it traces.
#pragma once

#include "base/result.h"

namespace wc {

Status check_proc();

}  // namespace wc
