// Events as Lua tables. The keys are JSON's; values are what Lua has for them: addresses are
// integers, strings have the program's bytes, an argument that was not captured is absent
// (args.n tells how many there are).
//
// These push one table. They run inside of a protected call, in a C function whose upvalues are
// push_lua_upvalues(): a lack of memory leaves them by longjmp, so nothing here owns anything.
#pragma once

#include <string>

#include "lua_keys.h"
#include "wc_backend.h"

struct lua_State;

namespace wc::backends {

// How an event is turned into a table.
struct LuaEventContext {
  LuaKeySet keys;
  bool has_stacks = false;
  std::string& scratch;  // outlives the call
};

// Pushes what the C function needs as upvalues, in a protected call; returns how many.
int push_lua_upvalues(lua_State* lua, const LuaKeySet& keys);

void push_event(lua_State* lua, const LuaEventContext& context, const wc_call& event);
void push_event(lua_State* lua, const LuaEventContext& context, const wc_syscall& event);
void push_entry(lua_State* lua, const LuaEventContext& context, const wc_syscall& event);
void push_event(lua_State* lua, const LuaEventContext& context, const wc_return& event);
void push_event(lua_State* lua, const LuaEventContext& context, const wc_process& event);
void push_event(lua_State* lua, const LuaEventContext& context, const wc_object& event);
void push_event(lua_State* lua, const LuaEventContext& context, const wc_lost& event);
void push_event(lua_State* lua, const LuaEventContext& context, const wc_totals& event);

}  // namespace wc::backends
