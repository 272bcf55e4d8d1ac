// What was mapped in the processes of a recorded run, and which files of this machine hold it:
// those of the same path and build-id, else debug files of that build-id.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "events/tape_ops.h"
#include "symbols/code_source.h"

namespace wc {

class RecordedCode final : public CodeSource {
 public:
  // `sysroot`: where the files of the machine are on which the run was recorded; empty: here.
  explicit RecordedCode(std::string sysroot) : sysroot_(std::move(sysroot)) {}

  void map(int32_t pid, std::vector<TapedMapping> mappings);
  void generated(int32_t pid, Generated code);
  void forget(int32_t pid) { processes_.erase(pid); }

  std::optional<proc::Maps> maps(int32_t pid) override;
  MappedFile file(const proc::Mapping& mapping) override;
  const Generated* generated(int32_t pid, uint64_t at) override;
  std::string debug_root() override { return sysroot_ + "/usr/lib/debug"; }

  // Paths of files whose functions have no names because they are not here.
  [[nodiscard]] const std::set<std::string>& missing() const { return missing_; }

 private:
  struct Process {
    std::vector<proc::Mapping> mappings;
    std::unordered_map<uint64_t, Generated> generated;
  };
  std::string sysroot_;
  std::unordered_map<int32_t, Process> processes_;
  std::map<std::pair<std::string, uint64_t>, std::string> build_ids_;  // by path and inode
  std::set<std::string> missing_;
};

}  // namespace wc
