#include "replay/recorded_code.h"

#include <sys/stat.h>

#include "symbols/build_id.h"

namespace wc {

void RecordedCode::map(int32_t pid, std::vector<TapedMapping> mappings) {
  auto& known = processes_[pid].mappings;
  known.clear();
  for (TapedMapping& one : mappings) {
    proc::Mapping mapping;
    if ((one.rights & TapedMapping::kSameFile) != 0 && !known.empty()) mapping = known.back();
    mapping.range = {one.begin, one.begin + one.size};
    mapping.rights = {(one.rights & 1) != 0, (one.rights & 2) != 0, (one.rights & 4) != 0,
                      (one.rights & 8) != 0};
    mapping.offset = one.offset;
    if ((one.rights & TapedMapping::kSameFile) == 0) {
      mapping.inode = one.inode;
      mapping.device_major = one.major;
      mapping.device_minor = one.minor;
      mapping.path = std::move(one.path);
      if (!one.build_id.empty()) build_ids_[{mapping.path, mapping.inode}] = one.build_id;
    }
    if (!mapping.range.empty()) known.push_back(std::move(mapping));
  }
}

void RecordedCode::generated(int32_t pid, Generated code) {
  const uint64_t at = code.at;
  processes_[pid].generated[at] = std::move(code);
}

std::optional<proc::Maps> RecordedCode::maps(int32_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end() || found->second.mappings.empty()) return std::nullopt;
  return proc::Maps::of(found->second.mappings);
}

MappedFile RecordedCode::file(const proc::Mapping& mapping) {
  const std::string path = path_before_deletion(mapping.path);
  const auto known = build_ids_.find({mapping.path, mapping.inode});
  const std::string& build_id = known != build_ids_.end() ? known->second : std::string();
  MappedFile file{sysroot_ + path};
  const auto is_there = [&] {
    return ::stat(file.path.c_str(), &file.status) == 0 && S_ISREG(file.status.st_mode) &&
           (build_id.empty() || build_id_of(file.path) == build_id);
  };
  if (is_there()) return file;
  constexpr size_t kLeast = 3;
  const bool is_name = build_id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (build_id.size() >= kLeast && is_name) {
    const std::string name = "/.build-id/" + build_id.substr(0, 2) + '/' + build_id.substr(2);
    for (const std::string& root : {debug_root(), std::string("/usr/lib/debug")}) {
      file.path = root + name + ".debug";
      if (is_there()) return file;
    }
  }
  missing_.insert(path);
  return {};
}

const Generated* RecordedCode::generated(int32_t pid, uint64_t at) {
  const auto process = processes_.find(pid);
  if (process == processes_.end()) return nullptr;
  const auto found = process->second.generated.find(at);
  return found != process->second.generated.end() ? &found->second : nullptr;
}

}  // namespace wc
