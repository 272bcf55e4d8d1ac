// -u: as whom the program runs.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace wc {

struct Identity {
  bool is_own = true;  // this process's; the rest is not used
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;

  // Of the user database. An empty name: this process's own.
  static Result<Identity> of_user(const std::string& name);
};

}  // namespace wc
