// Keys of the tables that scripts get, and which of them a script can read.
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

namespace wc::backends {

inline constexpr const char* kLuaKeys[] = {
#define WC_LUA_KEY(name) #name,
#include "lua_keys.def"
#undef WC_LUA_KEY
};
static_assert(std::size(kLuaKeys) <= 64, "a bit a key");

// A script can read the keys that its text names, as `e.dur` or `e["dur"]`; or all, where it goes
// through an event by pairs, next or rawget. The others are not filled in, nor asked for from the
// tracer. Where the text does not tell (a key that is computed), reading is an error that says so.
struct LuaKeySet {
  static constexpr uint64_t kAll = ~uint64_t{0};

  uint64_t bits = 0;

  static LuaKeySet named_in(std::string_view script);
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] bool is_all() const { return bits == kAll; }
};

}  // namespace wc::backends
