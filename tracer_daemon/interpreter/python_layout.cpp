#include "interpreter/python_layout.h"

#include <algorithm>

namespace wc {
namespace {

constexpr PythonLayout kLayouts[] = {
    {.major = 3,
     .minor = 11,
     .runtime = {.interpreters = 40},
     .interpreter = {.next = 0, .threads = 16},
     .thread = {.next = 8, .eval = 56, .native_id = 160, .size = 168},
     .eval = {.frame = 8, .previous = 16, .size = 24},
     .frame = {.code = 32, .previous = 48, .instruction = 56, .is_entry = 68, .size = 72},
     .code = {.count = 16,
              .first_line = 72,
              .file = 112,
              .name = 128,
              .lines = 136,
              .instructions = 184,
              .size = 184},
     .bytes = {.count = 16, .data = 32},
     .text = {.length = 16, .state = 32, .ascii = 48, .wide = 72}},
};

}  // namespace

std::string PythonVersion::text() const {
  std::string text = std::to_string(major()) + "." + std::to_string(minor()) + "." +
                     std::to_string(hex >> 8 & 0xff);
  constexpr uint32_t kAlpha = 0xa, kBeta = 0xb;
  const uint32_t level = hex >> 4 & 0xf;
  if (level == kAlpha || level == kBeta)
    text += (level == kAlpha ? "a" : "b") + std::to_string(hex & 0xf);
  return text;
}

const PythonLayout* python_layout(PythonVersion version) {
  const auto* row = std::ranges::find_if(kLayouts, [&](const PythonLayout& one) {
    return one.major == version.major() && one.minor == version.minor();
  });
  return row != std::end(kLayouts) && version.is_final() ? row : nullptr;
}

std::string known_python_versions() {
  std::string list;
  for (const PythonLayout& one : kLayouts)
    list +=
        (list.empty() ? "" : ", ") + std::to_string(one.major) + "." + std::to_string(one.minor);
  return list;
}

}  // namespace wc
