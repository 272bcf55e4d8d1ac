// Where control may arrive in a program or library other than by running on: more places than there
// are, never fewer. A patched site must have none behind its first byte.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "elf/code_image.h"
#include "patch/code_flow.h"

namespace wc {

class LandingPlaces {
 public:
  // Only places in these ranges are asked for.
  LandingPlaces(const CodeImage& image, const std::vector<FunctionRange>& ranges);

  [[nodiscard]] bool any_in(const FunctionRange& range) const;

 private:
  void find_branches(const Segment& code);
  void find_addresses(const Segment& segment);
  void find_address_in_code(const Segment& code);
  void read_jump_table(uint64_t table);
  void note(uint64_t target);
  [[nodiscard]] bool is_asked_for(uint64_t target) const;
  bool may_begin(const Segment& code, uint64_t address);

  const CodeImage& image_;
  // Of jump tables, all together: far more than a real file has.
  uint64_t rows_left_ = 100'000'000;
  struct Marks {
    const Segment* segment;
    std::vector<bool> asked, found;
  };
  std::vector<Marks> marks_;            // of executable segments
  std::map<uint64_t, CodeFlow> flows_;  // by the function's entry
};

}  // namespace wc
