// The options of backend "text".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wc_backend.h"

namespace wc::backends {

enum class Merge { Off, On };

struct TextOptions {
  uint32_t hold = 200;             // milliseconds
  std::optional<uint32_t> column;  // of callers; unset: by the width of the terminal
  Merge merge = Merge::On;
  bool colored = false;
};

// Reads them from the host. An error is one line for the user, else empty.
std::string read_options(const wc_host& host, TextOptions& options);

}  // namespace wc::backends
