// Packets of Perfetto's trace format, as far as backend "perfetto" writes them. Field numbers are
// those of perfetto's protos/perfetto/trace/*.proto; a test decodes what comes out by protoc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace wc::backends {

// What stands beside a slice: a name of this program's and a text.
struct PerfettoNote {
  std::string_view name;
  std::string_view text;  // empty: left out
};

enum class PerfettoEvent : uint8_t { Begin = 1, End = 2, Instant = 3 };

class PerfettoTrace {
 public:
  explicit PerfettoTrace(std::string& out) : out_(&out) {}

  // First of all: which clock time stamps are of, and what the others say at the same moment.
  void clocks(uint64_t monotonic, uint64_t realtime);
  void process_track(uint64_t track, int32_t pid, std::string_view name);
  void thread_track(uint64_t track, uint64_t process, int32_t pid, int32_t tid,
                    std::string_view name);
  void event(PerfettoEvent type, uint64_t track, uint64_t ts, std::string_view name,
             std::string_view category, std::span<const PerfettoNote> notes);

 private:
  // Each kind of name has numbers of its own.
  struct Names {
    std::unordered_map<std::string, uint64_t> ids;
    std::pair<uint64_t, bool> find_or_add(std::string_view name);  // and whether it is new
  };
  void packet(std::string_view packet);

  std::string* out_;
  Names events_, categories_, notes_;
  std::string packet_, event_, interned_, part_;  // scratch
};

}  // namespace wc::backends
