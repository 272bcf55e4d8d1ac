// Small things about text that several modules say.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace wc {

// What stands behind the last slash.
inline std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

inline std::string hexadecimal(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace wc
