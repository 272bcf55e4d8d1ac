// ioctl(2) requests by name, from ioctls_*.def.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wc {

// What strace shows of the third argument where nothing else is known.
enum class IoctlArg : uint8_t { Word, Address, Nothing };

struct IoctlName {
  uint32_t request = 0;
  IoctlArg arg = IoctlArg::Word;
  std::string_view name;
};

// All rows with this number: several drivers may use one.
std::span<const IoctlName> ioctl_names(uint32_t request);
// Whether it is one of the requests of input devices whose number holds what is asked for.
bool has_size_in_name(uint32_t request);
// "SNDCTL_TMR_STOP or TCSETSW", "EVIOCGNAME(64)", "_IOC(_IOC_READ, 0x12, 0x34, 0x8)".
void append_ioctl(std::string& out, uint32_t request);

}  // namespace wc
