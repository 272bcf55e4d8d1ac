// -ff: backends and files for each process.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "backend_host/backend_set.h"

namespace wc {

std::string file_name(const HostOptions& options, const std::string& path) {
  return options.only_process == 0 ? path : fmt::format("{}.{}", path, options.only_process);
}

// The files are made when their processes are: what can be known before a program runs is whether
// there may be any.
Status BackendSet::check_folders() const {
  std::vector<std::string> paths;
  if (!options_.output_path.empty()) paths.push_back(options_.output_path);
  for (const Instance& backend : backends_) {
    if (const std::string* path = backend->option("output")) paths.push_back(*path);
  }
  for (const std::string& path : paths) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0)
      return Error::from_errno(fmt::format("cannot write {}.PID", path), errno);
  }
  return Done{};
}

BackendSet* BackendSet::part_of(int32_t pid) {
  const auto [found, is_new] = parts_.try_emplace(pid);
  if (!is_new) return found->second.get();
  HostOptions options = options_;
  options.separately = false;
  options.only_process = pid;
  options.observers.clear();  // they are the whole run's
  // A late event of a process that has ended, or another process of that number.
  if (!begun_.insert(pid).second) options.existing = Existing::Append;
  auto opened = open(specs_, std::move(options));
  if (opened) {
    found->second = std::make_unique<BackendSet>(std::move(*opened));
  } else {
    errors_.push_back(opened.error().message);
  }
  return found->second.get();
}

void BackendSet::end_part(int32_t pid) {
  const auto found = parts_.find(pid);
  if (found == parts_.end()) return;
  const std::unique_ptr<BackendSet> part = std::move(found->second);
  parts_.erase(found);
  if (part == nullptr) return;
  part->close();
  for (std::string& error : part->take_errors()) errors_.push_back(std::move(error));
}

}  // namespace wc
