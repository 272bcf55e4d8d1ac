#include "patch/landing_places.h"

#include <cstring>

namespace wc {
namespace {

template <typename T>
T read_as(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

uint64_t widened(int32_t distance) { return static_cast<uint64_t>(static_cast<int64_t>(distance)); }

}  // namespace

LandingPlaces::LandingPlaces(const CodeImage& image, const std::vector<FunctionRange>& ranges)
    : image_(image) {
  for (const Segment& segment : image.segments)
    if (segment.executable)
      marks_.push_back({&segment, std::vector<bool>(segment.bytes.size()),
                        std::vector<bool>(segment.bytes.size())});
  for (const FunctionRange& range : ranges)
    for (Marks& marks : marks_)
      for (uint64_t at = range.begin; at < range.end; at++)
        if (marks.segment->contains(at)) marks.asked[at - marks.segment->address] = true;
  for (const Segment& segment : image.segments) {
    find_addresses(segment);
    if (!segment.executable) continue;
    find_branches(segment);
    find_address_in_code(segment);
  }
}

// Whatever might be a direct branch. A far one at any byte; a near one, which any bytes seem to be
// that stand close by, only where an instruction begins.
void LandingPlaces::find_branches(const Segment& code) {
  const uint8_t* bytes = code.bytes.data();
  size_t size = code.bytes.size();
  for (size_t i = 0; i + 2 <= size; i++) {
    const uint8_t* p = bytes + i;
    uint64_t at = code.address + i;
    if (*p == 0xeb || *p >> 4 == 7 || (*p >= 0xe0 && *p <= 0xe3)) {
      uint64_t target = at + 2 + widened(static_cast<int8_t>(p[1]));
      if (is_asked_for(target) && may_begin(code, at)) note(target);
    } else if (size - i >= 5 && (*p == 0xe8 || *p == 0xe9))
      note(at + 5 + widened(read_as<int32_t>(p + 1)));
    else if (size - i >= 6 && ((*p == 0x0f && p[1] >> 4 == 8) || (*p == 0xc7 && p[1] == 0xf8)))
      note(at + 6 + widened(read_as<int32_t>(p + 2)));
  }
}

// Symbols, relocations and tables of pointers have addresses in aligned words.
void LandingPlaces::find_addresses(const Segment& segment) {
  size_t skew = (8 - segment.address % 8) % 8;
  for (size_t i = skew; i + 8 <= segment.bytes.size(); i += 8)
    note(read_as<uint64_t>(&segment.bytes[i]));
}

// `lea place(%rip)`: the place is code whose address is taken, or a table of distances from
// itself, as compilers make of a switch. Without position independence, any word may be either.
void LandingPlaces::find_address_in_code(const Segment& code) {
  const uint8_t* bytes = code.bytes.data();
  for (size_t i = 0; i + 7 <= code.bytes.size(); i++) {
    const uint8_t* p = bytes + i;
    bool is_lea = (*p == 0x48 || *p == 0x4c) && p[1] == 0x8d && (p[2] & 0xc7) == 5;
    if (is_lea) {
      uint64_t place = code.address + i + 7 + widened(read_as<int32_t>(p + 3));
      note(place);
      read_jump_table(place);
    }
    if (!image_.position_independent) note(read_as<uint32_t>(p));
  }
}

void LandingPlaces::read_jump_table(uint64_t table) {
  constexpr uint64_t kMaxRows = 4096;
  const Segment* segment = image_.segment_of(table);
  if (segment == nullptr) return;
  for (uint64_t row = 0; row < kMaxRows; row++) {
    if (rows_left_ == 0) return;
    rows_left_--;
    uint64_t at = table + row * 4;
    if (segment->end() - at < 4 || at >= segment->end()) return;
    uint64_t target = table + widened(read_as<int32_t>(&segment->bytes[at - segment->address]));
    const Segment* code = image_.segment_of(target);
    if (code == nullptr || !code->executable) return;
    note(target);
  }
}

void LandingPlaces::note(uint64_t target) {
  for (Marks& marks : marks_) {
    uint64_t at = target - marks.segment->address;
    if (at < marks.asked.size() && marks.asked[at]) marks.found[at] = true;
  }
}

bool LandingPlaces::is_asked_for(uint64_t target) const {
  for (const Marks& marks : marks_) {
    uint64_t at = target - marks.segment->address;
    if (at < marks.asked.size() && marks.asked[at]) return true;
  }
  return false;
}

bool LandingPlaces::may_begin(const Segment& code, uint64_t address) {
  const FunctionRange* function = image_.function_of(address);
  if (function == nullptr || !code.contains(function->begin)) return true;
  auto [at, fresh] = flows_.try_emplace(function->begin, code, *function);
  return at->second.may_begin(address);
}

bool LandingPlaces::any_in(const FunctionRange& range) const {
  if (rows_left_ == 0) return true;  // not all was looked at
  for (const Marks& marks : marks_)
    for (uint64_t at = range.begin; at < range.end; at++)
      if (marks.segment->contains(at) && marks.found[at - marks.segment->address]) return true;
  return false;
}

}  // namespace wc
