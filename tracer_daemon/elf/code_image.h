// A program or library as the search for syscall sites sees it: its segments as bytes, the ranges
// of its functions, its build-id. Files are hostile: everything is bounded and checked.
//
// Source: System V gABI (program headers, notes), LSB core 10.6 (.eh_frame, .eh_frame_hdr).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace wc {

struct Segment {
  uint64_t address = 0;  // as in the file
  uint64_t offset = 0;   // in the file
  bool executable = false;
  std::vector<uint8_t> bytes;

  [[nodiscard]] uint64_t end() const { return address + bytes.size(); }
  [[nodiscard]] bool contains(uint64_t at) const { return at >= address && at < end(); }
};

struct FunctionRange {
  uint64_t begin = 0, end = 0;
};

struct CodeImage {
  std::vector<Segment> segments;
  std::vector<FunctionRange> functions;  // sorted; from the unwind information
  bool position_independent = true;

  [[nodiscard]] const FunctionRange* function_of(uint64_t address) const;
  [[nodiscard]] const Segment* segment_of(uint64_t address) const;
  // `size` bytes, or none where they are not all in one segment.
  [[nodiscard]] std::span<const uint8_t> at(uint64_t address, size_t size) const;
};

Result<CodeImage> read_code_image(const std::string& path);

// What one build of a file is known by. Cheap: two small reads.
struct FileIdentity {
  std::string build_id;  // raw bytes; empty when it has none
  uint64_t size = 0;
  int64_t modified_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
Result<FileIdentity> identify_file(const std::string& path);

}  // namespace wc
