#include "measure/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <fstream>

#include "base/scoped_fd.h"

namespace wc::measure {
namespace {

Error cannot_write(const std::string& path) {
  return Error::from_errno(fmt::format("cannot write '{}'", path), errno);
}

}  // namespace

Status check_writable(const std::string& path) {
  const ScopedFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file.valid()) return cannot_write(path);
  return Done{};
}

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return cannot_write(path);
  return Done{};
}

}  // namespace wc::measure
