// The documentation that is made from the table of keys, so that it is true.
#pragma once

#include <string>

namespace wc::config {

// docs/configuration.md, whole.
std::string ini_reference();

}  // namespace wc::config
