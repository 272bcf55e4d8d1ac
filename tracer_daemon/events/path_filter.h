// -P: whether a system call touches a path, by name or by descriptor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decode/decoder.h"

namespace wc {

class PathFilter {
 public:
  // Globs. One that does not begin with a slash is meant as it is and from the current folder on.
  explicit PathFilter(std::span<const std::string> globs);

  // Looks at its names, its descriptors, and those of poll(2), select(2) and their kin, as they are
  // now.
  [[nodiscard]] bool touches(const DecodeContext& context, uint32_t nr,
                             std::span<const uint64_t> words) const;

 private:
  [[nodiscard]] bool matches(std::string_view path) const;
  [[nodiscard]] bool matches_name(const DecodeContext& context, uint64_t address,
                                  const std::string& folder) const;
  [[nodiscard]] bool matches_descriptor(const DecodeContext& context, int fd) const;
  [[nodiscard]] bool matches_polled(const DecodeContext& context, uint64_t address,
                                    uint64_t count) const;
  [[nodiscard]] bool matches_selected(const DecodeContext& context, uint64_t address,
                                      uint64_t count) const;

  std::vector<std::string> globs_;
};

}  // namespace wc
