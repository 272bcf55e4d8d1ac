#include "decode/ioctl_names.h"

#include <linux/input.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "decode/flag_tables.h"
#include "decode/text.h"

namespace wc {
namespace {

// The letters of ioctls_*.def: a third argument that is a word, an address, or not there.
#define W(request, name) {request, IoctlArg::Word, #name},
#define P(request, name) {request, IoctlArg::Address, #name},
#define N(request, name) {request, IoctlArg::Nothing, #name},
// By number: those that write come before those that read.
// clang-format off
constexpr IoctlName kNames[] = {
#include "decode/ioctls_plain.def"
#include "decode/ioctls_write.def"
#include "decode/ioctls_read.def"
};
// clang-format on
#undef W
#undef P
#undef N

constexpr bool comes_before(const IoctlName& a, const IoctlName& b) {
  return a.request != b.request ? a.request < b.request : a.name < b.name;
}

// Requests whose size the program chooses: NAME(size).
struct SizedRow {
  uint8_t direction;
  char type;
  uint8_t number;
  std::string_view name;
};
constexpr SizedRow kSized[] = {
    {_IOC_READ, 'E', 0x06, "EVIOCGNAME"},
    {_IOC_READ, 'E', 0x07, "EVIOCGPHYS"},
    {_IOC_READ, 'E', 0x08, "EVIOCGUNIQ"},
    {_IOC_READ, 'E', 0x09, "EVIOCGPROP"},
    {_IOC_READ, 'E', 0x0a, "EVIOCGMTSLOTS"},
    {_IOC_READ, 'E', 0x18, "EVIOCGKEY"},
    {_IOC_READ, 'E', 0x19, "EVIOCGLED"},
    {_IOC_READ, 'E', 0x1a, "EVIOCGSND"},
    {_IOC_READ, 'E', 0x1b, "EVIOCGSW"},
    {_IOC_READ, 'H', 0x04, "HIDIOCGRAWNAME"},
    {_IOC_READ, 'H', 0x05, "HIDIOCGRAWPHYS"},
    {_IOC_READ | _IOC_WRITE, 'H', 0x06, "HIDIOCSFEATURE"},
    {_IOC_READ | _IOC_WRITE, 'H', 0x07, "HIDIOCGFEATURE"},
    {_IOC_READ, 'U', 0x2c, "UI_GET_SYSNAME"},
    {_IOC_READ, 'j', 0x13, "JSIOCGNAME"},
};

bool append_sized(std::string& out, uint32_t request) {
  for (const SizedRow& row : kSized) {
    if (_IOC_DIR(request) != row.direction ||
        _IOC_TYPE(request) != static_cast<uint8_t>(row.type) || _IOC_NR(request) != row.number)
      continue;
    out += row.name;
    out += '(';
    append_udec(out, _IOC_SIZE(request));
    out += ')';
    return true;
  }
  return false;
}

// EVIOCGABS(ABS_X), EVIOCGBIT(EV_KEY, 64): what is asked for is in the number.
bool append_event_request(std::string& out, uint32_t request) {
  constexpr uint32_t kBits = 0x20, kAxes = 0x40, kSetAxes = 0xc0;
  const uint32_t number = _IOC_NR(request), direction = _IOC_DIR(request);
  if (_IOC_TYPE(request) != 'E') return false;
  if (direction == _IOC_READ && number >= kBits && number < kBits + EV_CNT) {
    out += "EVIOCGBIT(";
    if (number == kBits)
      out += '0';
    else
      append_enum(out, FlagTable::EventType, number - kBits);
    out += ", ";
    append_udec(out, _IOC_SIZE(request));
    out += ')';
    return true;
  }
  const bool sets = direction == _IOC_WRITE && number >= kSetAxes;
  if (!sets && !(direction == _IOC_READ && number >= kAxes && number < kAxes + ABS_CNT))
    return false;
  out += sets ? "EVIOCSABS(" : "EVIOCGABS(";
  append_enum(out, FlagTable::AbsoluteAxis, number - (sets ? kSetAxes : kAxes));
  out += ')';
  return true;
}

// The old mixers use a whole type; what others use of it stands behind.
bool append_mixer_request(std::string& out, uint32_t request) {
  const uint32_t direction = _IOC_DIR(request);
  if (_IOC_TYPE(request) != 'M' || (direction != _IOC_READ && direction != _IOC_WRITE))
    return false;
  out += direction == _IOC_READ ? "MIXER_READ(" : "MIXER_WRITE(";
  append_udec(out, _IOC_NR(request));
  out += ')';
  return true;
}

void append_parts(std::string& out, uint32_t request) {
  static constexpr std::string_view kDirections[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
                                                     "_IOC_READ|_IOC_WRITE"};
  out += "_IOC(";
  out += kDirections[_IOC_DIR(request)];
  out += ", ";
  append_hex(out, _IOC_TYPE(request));
  out += ", ";
  append_hex(out, _IOC_NR(request));
  out += ", ";
  append_hex(out, _IOC_SIZE(request));
  out += ')';
}

}  // namespace

std::span<const IoctlName> ioctl_names(uint32_t request) {
  static_assert(std::is_sorted(std::begin(kNames), std::end(kNames), comes_before));
  const auto range = std::ranges::equal_range(kNames, request, {}, &IoctlName::request);
  return {range.begin(), range.end()};
}

bool has_size_in_name(uint32_t request) {
  std::string name;
  return _IOC_TYPE(request) == 'E' &&
         (append_sized(name, request) || append_event_request(name, request));
}

void append_ioctl(std::string& out, uint32_t request) {
  const auto names = ioctl_names(request);
  bool follows = append_mixer_request(out, request);
  for (const IoctlName& one : names) {
    if (follows) out += " or ";
    out += one.name;
    follows = true;
  }
  if (follows || append_sized(out, request) || append_event_request(out, request)) return;
  append_parts(out, request);
}

}  // namespace wc
