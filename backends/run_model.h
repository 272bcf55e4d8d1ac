// A run as pictures show it: spans of time on the tracks of threads, and a tree of what was done in
// what, with counts and times. No text here.
//
// The tree counts everything. Of spans only the first ones are kept; how many are missing is known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wc_backend.h"

namespace wc::backends {

enum class NameKind : uint8_t { Program, Caller, Function, Syscall };

struct ModelName {
  NameKind kind = NameKind::Program;
  std::string text;
};

struct Span {
  uint64_t start = 0;
  uint64_t end = 0;
  uint32_t name = 0;
  uint32_t track = 0;
  uint32_t depth = 0;  // 0: in no call
  bool is_error = false;
};

// What was done inside of what: program > caller > call > ... > system call.
struct TreeNode {
  uint32_t parent = 0;
  uint32_t name = 0;
  uint64_t count = 0;  // of a call: calls that have returned; of a system call: how many
  uint64_t errors = 0;
  uint64_t ns = 0;
};

class RunModel {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kRoot = 0;

  struct OpenCall {
    uint64_t id = 0;
    uint64_t ts = 0;
    uint32_t node = 0;
    uint32_t span = kNone;
  };
  struct Track {
    int32_t pid = 0, tid = 0;
    uint32_t program = 0;  // a name
    uint64_t start = 0, end = 0;
    std::vector<OpenCall> open;
  };

  RunModel(size_t most_spans, size_t most_nodes);

  void call(const wc_call& event);
  // The node of the system call.
  uint32_t syscall(const wc_syscall& event);
  void ret(const wc_return& event);
  void process(const wc_process& event);
  // What is open ends now.
  void close();

  [[nodiscard]] const std::vector<ModelName>& names() const { return names_; }
  [[nodiscard]] const std::vector<Track>& tracks() const { return tracks_; }
  [[nodiscard]] const std::vector<TreeNode>& tree() const { return tree_; }
  // By track, and on each by start. Once, at the end: they are many.
  [[nodiscard]] std::vector<Span> take_spans();
  [[nodiscard]] uint64_t dropped_spans() const { return dropped_; }
  [[nodiscard]] uint64_t start() const { return start_; }
  [[nodiscard]] uint64_t end() const { return end_; }

 private:
  uint32_t name(NameKind kind, std::string_view text);
  uint32_t child(uint32_t parent, uint32_t name);
  Track& track(int32_t pid, int32_t tid, uint64_t ts);
  uint32_t base_of(const Track& track);
  uint32_t add_span(const Track& track, uint64_t start, uint64_t end, uint32_t name);
  void end_call(Track& track, const OpenCall& call, uint64_t at);
  void end_down_to(Track& track, size_t depth, uint64_t at);
  void end_track(int32_t tid, uint64_t at);
  void see(uint64_t from, uint64_t to);

  size_t most_spans_, most_nodes_;
  std::vector<ModelName> names_;
  std::unordered_map<std::string, uint32_t> name_ids_;  // by kind and text
  std::vector<TreeNode> tree_;
  std::unordered_map<uint64_t, uint32_t> children_;  // by parent and name
  std::vector<Track> tracks_;
  std::unordered_map<int32_t, uint32_t> track_of_;  // by tid, of those that live
  std::unordered_map<int32_t, uint32_t> programs_;  // by pid: a name
  std::vector<Span> spans_;
  uint64_t dropped_ = 0;
  uint64_t start_ = 0, end_ = 0;
};

}  // namespace wc::backends
