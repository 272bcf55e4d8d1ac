// The run's own folder: 0700, under $XDG_RUNTIME_DIR or /tmp, holding the
// socket and the stub libraries. Removed at the end; folders of runs that were
// killed are removed by the next one.
#pragma once

#include <string>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace wc {

// Whether everybody may pass through a folder and those around it.
bool is_open_to_all(std::string path);

class PrivateDirectory {
 public:
  // Libraries are mapped from it with PROT_EXEC, so file systems mounted noexec are passed over.
  // Those that are full are passed over, too; the error names each folder and why not.
  static Result<PrivateDirectory> create();
  // With its first file, in the first folder where that can be written.
  static Result<PrivateDirectory> create(const std::string& name, const std::string& bytes);
  // One that everybody may pass through, and nobody may list: mode 0711.
  static Result<PrivateDirectory> create_for_others();
  // For runs that load nothing into the program: no folder.
  static PrivateDirectory none();

  PrivateDirectory(PrivateDirectory&& other) noexcept
      : path_(std::move(other.path_)), lock_(std::move(other.lock_)) {
    other.path_.clear();
  }
  PrivateDirectory& operator=(PrivateDirectory&&) = delete;
  ~PrivateDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

  // Creates a file that must not exist yet (O_EXCL), mode 0600.
  [[nodiscard]] Status write_file(const std::string& name, const std::string& bytes) const;

 private:
  enum class Readers { Own, Others };
  static Result<PrivateDirectory> make(const std::string& name, const std::string& bytes,
                                       Readers readers);
  PrivateDirectory(std::string path, ScopedFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  ScopedFd lock_;  // held as long as the folder is in use
};

}  // namespace wc
