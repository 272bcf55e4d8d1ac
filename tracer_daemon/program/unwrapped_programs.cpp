#include "program/unwrapped_programs.h"

namespace wc {

void UnwrappedPrograms::leave(const std::string& path, const std::string& why) {
  run_.say(1, path + " " + why + "; not wrapped");
  if (!path.empty()) unwrapped_.note(path, why);
}

}  // namespace wc
