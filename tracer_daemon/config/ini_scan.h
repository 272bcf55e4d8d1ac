// The first look at an INI file: Boost reports neither lines nor near names, cuts a line at the
// first '#' even inside quotes, reads before the start of an empty section name, and knows no ';'.
// The scan finds every such line, says where, and leaves a text that Boost reads as meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/tables.h"

namespace wc::config {

struct IniEntry {
  const IniRow* row;
  std::string name;  // as messages name it: "[functions] wrap", "engine"
  unsigned line;     // from 1
};

struct IniScan {
  std::string text;               // for Boost: no comments, no carriage returns
  std::vector<IniEntry> entries;  // one for each line of `text` with a value, in order
};

// Stands for a '#' that is part of a value; the file itself may hold no such byte.
inline constexpr char kHashStandIn = '\x01';

Result<IniScan> scan_ini(std::string_view text, std::string_view file);

}  // namespace wc::config
