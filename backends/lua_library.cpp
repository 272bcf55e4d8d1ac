#include "lua_library.h"

#include <fcntl.h>

#include <lua.hpp>
#include <string>

#include "escape.h"

namespace wc::backends {

namespace {

constexpr luaL_Reg kLibraries[] = {
    {LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
    {LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
    {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
    {LUA_OSLIBNAME, luaopen_os},     {LUA_IOLIBNAME, luaopen_io},
    {LUA_DBLIBNAME, luaopen_debug},
};
// Those that run what is no Lua text, or read standard input.
constexpr const char* kLeftOutOfBase[] = {"dofile", "loadfile", "warn"};
// All that stays of these: what only looks, and files that are opened by name.
constexpr const char* kOs[] = {"clock", "date", "difftime", "getenv", "time", nullptr};
constexpr const char* kIo[] = {"open", "type", nullptr};
constexpr const char* kDebug[] = {"traceback", nullptr};
constexpr lua_Integer kMostMoved = 10'000'000;

void keep_only(lua_State* lua, const char* library, const char* const* names) {
  lua_newtable(lua);
  lua_getglobal(lua, library);
  for (; *names != nullptr; ++names) {
    lua_getfield(lua, -1, *names);
    lua_setfield(lua, -3, *names);
  }
  lua_pop(lua, 1);
  lua_setglobal(lua, library);
}

// Calls the function that this one stands in front of.
int pass_on(lua_State* lua) {
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
  return lua_gettop(lua);
}

// Strings that have no bytes are repeated one by one, as often as one says.
int repeat(lua_State* lua) {
  size_t text = 0;
  luaL_checklstring(lua, 1, &text);
  const lua_Integer times = luaL_checkinteger(lua, 2);
  size_t separator = 0;
  luaL_optlstring(lua, 3, "", &separator);
  const auto most = static_cast<size_t>(lua_tointeger(lua, lua_upvalueindex(2)));
  if (text + separator == 0) return lua_pushliteral(lua, ""), 1;
  if (times > 0 && static_cast<size_t>(times) > most / (text + separator))
    return luaL_error(lua, "string.rep: the result has no room in the memory of a script");
  return pass_on(lua);
}

int move(lua_State* lua) {
  const lua_Integer first = luaL_checkinteger(lua, 2), last = luaL_checkinteger(lua, 3);
  const auto distance = static_cast<lua_Unsigned>(last) - static_cast<lua_Unsigned>(first);
  if (last >= first && distance >= kMostMoved)
    return luaL_error(lua, "table.move: more elements than a table can have here");
  return pass_on(lua);
}

// Finalizers run while the hook that counts instructions is off.
int set_metatable(lua_State* lua) {
  if (lua_istable(lua, 2)) {
    lua_pushliteral(lua, "__gc");
    if (lua_rawget(lua, 2) != LUA_TNIL)
      return luaL_error(lua, "setmetatable: __gc is not available here");
    lua_pop(lua, 1);
  }
  return pass_on(lua);
}

// Precompiled code can do anything: Lua does not check it.
int load_text(lua_State* lua) {
  lua_settop(lua, lua_isnone(lua, 4) ? 3 : 4);
  lua_pushliteral(lua, "t");
  lua_replace(lua, 3);
  return pass_on(lua);
}

// The program, not yet executed when a script is read, would inherit the descriptor.
int open_file(lua_State* lua) {
  const int results = pass_on(lua);
  const auto* stream = static_cast<luaL_Stream*>(luaL_testudata(lua, 1, LUA_FILEHANDLE));
  if (stream != nullptr && stream->f != nullptr) ::fcntl(fileno(stream->f), F_SETFD, FD_CLOEXEC);
  return results;
}

int quote(lua_State* lua) {
  size_t size = 0;
  const char* bytes = luaL_checklstring(lua, 1, &size);
  // Kept for the next call, for an error would leave it here.
  static thread_local std::string text;
  text.clear();
  append_escaped(text, {bytes, size});
  lua_pushlstring(lua, text.data(), text.size());
  return 1;
}

// `table`: its name as a global; null: the global table itself.
void stand_in_front(lua_State* lua, const char* table, const char* name, lua_CFunction function,
                    lua_Integer value = 0) {
  table != nullptr ? (void)lua_getglobal(lua, table) : lua_pushglobaltable(lua);
  lua_getfield(lua, -1, name);
  lua_pushinteger(lua, value);
  lua_pushcclosure(lua, function, 2);
  lua_setfield(lua, -2, name);
  lua_pop(lua, 1);
}

}  // namespace

void open_lua_library(lua_State* lua, size_t most) {
  for (const luaL_Reg& library : kLibraries) {
    luaL_requiref(lua, library.name, library.func, 1);
    lua_pop(lua, 1);
  }
  for (const char* name : kLeftOutOfBase) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  keep_only(lua, LUA_OSLIBNAME, kOs);
  keep_only(lua, LUA_IOLIBNAME, kIo);
  keep_only(lua, LUA_DBLIBNAME, kDebug);
  // Files have finalizers; a script must not put its own in their place.
  luaL_getmetatable(lua, LUA_FILEHANDLE);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
  stand_in_front(lua, "io", "open", open_file);
  stand_in_front(lua, "string", "rep", repeat, static_cast<lua_Integer>(most));
  stand_in_front(lua, "table", "move", move);
  stand_in_front(lua, nullptr, "setmetatable", set_metatable);
  stand_in_front(lua, nullptr, "load", load_text);
  lua_register(lua, "quote", quote);
}

}  // namespace wc::backends
