// The file behind the memory that the tracer shares with a traced process.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc {

class SharedMemory {
 public:
  SharedMemory() = default;
  // A machine may refuse memfd_create(2), or kill whoever calls it: then a file in `folder` that
  // loses its name at once. Nothing keeps a traced program from truncating that one, which ends the
  // tracer.
  static SharedMemory in_folder(std::string folder);

  // Whether memfd_create(2) works here; tried on this very process.
  static Status try_memfd();

  [[nodiscard]] bool is_memfd() const { return folder_.empty(); }

  // Of this size; it can grow, and a memfd cannot shrink.
  [[nodiscard]] Result<ScopedFd> create(uint64_t size) const;
  // A memfd that the traced process has made. It may use its descriptor meanwhile: an error where
  // the memory cannot be sealed against shrinking, or is no memfd at all.
  [[nodiscard]] static Result<ScopedFd> adopt(ScopedFd memfd, uint64_t size);

 private:
  std::string folder_;  // empty: memfd_create(2)
};

}  // namespace wc
