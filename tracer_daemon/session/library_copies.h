// The run's libraries for programs of other users, which a root tracer follows: the run's own
// folder is closed to them. Each user has copies in a folder that only can be passed through,
// readable by that user and nobody else.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "session/private_directory.h"

namespace wc {

struct LibraryReader {
  uid_t user = 0;
  gid_t group = 0;
};

class LibraryCopies {
 public:
  // Where `reader` can load the library at `path`: that path itself where the reader is the
  // tracer's own user or root. Errors: the tracer is not root's, or no such file can be made.
  Result<std::string> path_for(const std::string& path, LibraryReader reader);
  // Whether a path is one of the copies.
  [[nodiscard]] bool holds(const std::string& path) const;

 private:
  Result<std::string> copy(const std::string& path, LibraryReader reader);

  std::unique_ptr<PrivateDirectory> folder_;  // made when the first other user comes
  std::map<std::pair<std::string, uid_t>, std::string> copies_;
};

}  // namespace wc
