// A report's file.
#pragma once

#include <string>

#include "base/result.h"

namespace wc::measure {

// Whether it can be written, before the runs: else that would come to light only after minutes.
// What is in it stays.
Status check_writable(const std::string& path);
Status write_file(const std::string& path, const std::string& text);

}  // namespace wc::measure
