// What scripts see of Lua's library, and what this tool adds to it.
#pragma once

#include <cstddef>

struct lua_State;

namespace wc::backends {

// Inside of a protected call. `most`: bytes that a string may have.
void open_lua_library(lua_State* lua, size_t most);

}  // namespace wc::backends
