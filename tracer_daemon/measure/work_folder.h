// A folder for the files of runs, removed with all that is in it.
#pragma once

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "base/result.h"

namespace wc::measure {

class WorkFolder {
 public:
  // In /tmp, where no blank is in the path: bpftrace takes a word apart.
  static Result<WorkFolder> create(const std::string& name) {
    std::string path = "/tmp/" + name + "-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      return Error::from_errno("cannot create a folder like " + path, errno);
    }
    return WorkFolder(path);
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace wc::measure
