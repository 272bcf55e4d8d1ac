// A request of wc-ctl: one line of words (docs/control.md lists them).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wc {

struct ControlCommand {
  enum class Verb : uint8_t {
    Describe,
    Functions,
    Sample,
    Syscalls,
    Pause,
    Resume,
    Flush,
    Stop,
    Backend,
    Inject,
    Snapshot,
    Subscribe
  };
  enum class Action : uint8_t { None, List, Set, Add, Remove, Replace, Clear };
  Verb verb = Verb::Describe;
  Action action = Action::None;
  uint32_t id = 0;   // of Remove and Replace: a back end's or a rule's
  std::string text;  // a list, a back end, a rule
};

// Errors say which word is wrong and what may stand there.
Result<ControlCommand> parse_command(std::string_view line);

// All of them, one a line, for wc-ctl's help.
std::string_view command_list();

}  // namespace wc
