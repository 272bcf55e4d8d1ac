#include "lua_script.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <lua.hpp>
#include <new>
#include <utility>

#include "escape.h"
#include "lua_library.h"

namespace wc::backends {

namespace {

// Instructions between two looks at the limit: a coroutine begins to count anew.
constexpr int kHookEvery = 1000;
constexpr size_t kLargestScript = size_t{8} << 20;
constexpr size_t kLongestError = 400;
constexpr size_t kLongestChunkName = 50;  // Lua cuts longer ones

}  // namespace

LuaScript::LuaScript(Limits limits, Write on_write, void* context)
    : limits_(limits), write_(on_write), context_(context) {
  lua_ = lua_newstate(allocate, this);
  if (lua_ == nullptr) throw std::bad_alloc();
  *static_cast<LuaScript**>(lua_getextraspace(lua_)) = this;
  // What events leave behind dies young: a fifth less time for an event with all keys.
  lua_gc(lua_, LUA_GCGEN, 0, 0);
  is_limited_ = true;
}

LuaScript::~LuaScript() {
  is_limited_ = false;
  lua_close(lua_);
}

// Threads of Lua's inherit the extra space.
LuaScript& LuaScript::of(lua_State* lua) {
  return **static_cast<LuaScript**>(lua_getextraspace(lua));
}

void* LuaScript::allocate(void* self, void* block, size_t old_size, size_t size) {
  auto& script = *static_cast<LuaScript*>(self);
  if (block == nullptr) old_size = 0;  // it is a kind of object then
  if (size == 0) {
    std::free(block);
    script.used_ -= old_size;
    return nullptr;
  }
  if (size > old_size && script.refusals_ != 0) {
    --script.refusals_;
    return nullptr;
  }
  if (script.is_limited_ && size > old_size &&
      script.used_ + (size - old_size) > script.limits_.memory) {
    script.note_memory();
    return nullptr;
  }
  void* moved = std::realloc(block, size);
  if (moved != nullptr) script.used_ += size - old_size;
  return moved;
}

// Lua's own message of this error has no place, for making one takes memory. It collects garbage
// and tries again, so this may be called without an error.
void LuaScript::note_memory() {
  if (lua_ == nullptr || has_run_out_) return;
  std::string place = position(lua_);
  if (!place.empty()) place_ = std::move(place);  // empty: the error is on its way already
}

// "FILE:LINE: " of the innermost function of the script that is running.
std::string LuaScript::position(lua_State* lua) const {
  lua_Debug info{};
  for (int level = 0; lua_getstack(lua, level, &info) != 0; ++level) {
    if (lua_getinfo(lua, "Sl", &info) == 0 || info.currentline <= 0) continue;
    return std::string(info.short_src) + ":" + std::to_string(info.currentline) + ": ";
  }
  return {};
}

// An error that is raised in a hook calls the handler of xpcall, in which no hook runs. So a
// coroutine is left by yielding, and a lack of memory ends the rest, which calls no handler.
void LuaScript::count(lua_State* lua, lua_Debug*) {
  LuaScript& script = of(lua);
  script.left_ -= std::min<uint64_t>(script.left_, kHookEvery);
  if (script.left_ != 0) return;
  if (!std::exchange(script.has_run_out_, true)) script.place_ = script.position(lua);
  // Whoever catches this error meets the next one at once.
  lua_sethook(lua, count, LUA_MASKCOUNT, 1);
  lua_sethook(script.lua_, count, LUA_MASKCOUNT, 1);
  if (lua_isyieldable(lua) != 0) {
    lua_yield(lua, 0);
    return;
  }
  script.refusals_ = 2;  // Lua tries again when it has collected garbage
  lua_newuserdatauv(lua, 1, 0);
}

void LuaScript::write_text(lua_State* lua, std::string_view text) {
  const LuaScript& script = of(lua);
  if (!script.write_(script.context_, text))
    luaL_error(lua, "more text than can be kept until open() has been called");
}

int LuaScript::write(lua_State* lua) {
  const int count = lua_gettop(lua);
  for (int i = 1; i <= count; ++i) {
    size_t size = 0;
    const char* text = luaL_checklstring(lua, i, &size);
    write_text(lua, {text, size});
  }
  return 0;
}

int LuaScript::print(lua_State* lua) {
  const int count = lua_gettop(lua);
  for (int i = 1; i <= count; ++i) {
    size_t size = 0;
    const char* text = luaL_tolstring(lua, i, &size);
    if (i > 1) write_text(lua, "\t");
    write_text(lua, {text, size});
    lua_pop(lua, 1);
  }
  write_text(lua, "\n");
  return 0;
}

int LuaScript::set_up(lua_State* lua) {
  auto& script = *static_cast<LuaScript*>(lua_touserdata(lua, 1));
  open_lua_library(lua, script.limits_.memory);
  lua_register(lua, "write", write);
  lua_register(lua, "print", print);
  return 0;
}

// An error as a line that begins with a place. Runs where the error was raised.
int LuaScript::describe(lua_State* lua) {
  LuaScript& script = of(lua);
  const bool is_text = lua_type(lua, 1) == LUA_TSTRING;
  size_t size = 0;
  const char* text = nullptr;
  if (is_text || luaL_getmetafield(lua, 1, "__tostring") != LUA_TNIL) {
    text = luaL_tolstring(lua, 1, &size);
  } else {
    text = lua_pushfstring(lua, "the error is a %s, not a text", luaL_typename(lua, 1));
    size = std::strlen(text);
  }
  // Not a local one: what pushes may leave by longjmp.
  if (!script.has_run_out_) script.place_ = script.position(lua);
  const std::string& place = script.place_;
  const size_t file = place.find(':') + 1;
  // error() and Lua itself have put it in front already.
  const bool has_place = is_text && std::string_view(text, size).starts_with({place.data(), file});
  lua_pushlstring(lua, has_place ? "" : place.data(), has_place ? 0 : place.size());
  lua_pushlstring(lua, text, size);
  lua_concat(lua, 2);
  return 1;
}

bool LuaScript::read(const std::string& path) {
  // Without waiting for a FIFO's writer, which may never come.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status = {};
  int code = fd < 0 || ::fstat(fd, &status) != 0 ? errno : 0;
  if (code == 0 && !S_ISREG(status.st_mode)) code = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
  char block[16 << 10];
  while (code == 0 && text_.size() <= kLargestScript) {
    const ssize_t size = ::read(fd, block, sizeof block);
    if (size < 0 && errno != EINTR) code = errno;
    if (size == 0) break;
    if (size > 0) text_.append(block, static_cast<size_t>(size));
  }
  if (fd >= 0) ::close(fd);
  if (code == 0 && text_.size() <= kLargestScript) return true;
  const char* why = code == EINVAL ? "it is no regular file" : std::strerror(code);
  error_ = "cannot read the script " + path + ": " + (code != 0 ? why : "it is larger than 8 MiB");
  return false;
}

bool LuaScript::load(const std::string& path) {
  if (!read(path)) return false;
  if (!run(set_up, this)) return false;
  std::string_view code = text_;
  if (code.starts_with('#'))  // "#!...": the line stays, so that lines keep their numbers
    code.remove_prefix(std::min(code.find('\n'), code.size()));
  const std::string name =
      "@" + (path.size() <= kLongestChunkName ? path : std::string(basename_of(path)));
  lua_pushcfunction(lua_, describe);
  const int status = luaL_loadbufferx(lua_, code.data(), code.size(), name.c_str(), "t");
  if (status != LUA_OK) {
    lua_remove(lua_, -2);
    return end_call(status);
  }
  lua_pushnil(lua_);
  return call(kLongFactor);
}

bool LuaScript::run(int (*function)(lua_State*), void* data, uint64_t factor) {
  // None of these allocates but for the stack, which has room from the start.
  lua_pushcfunction(lua_, describe);
  lua_pushcfunction(lua_, function);
  lua_pushlightuserdata(lua_, data);
  return call(factor);
}

bool LuaScript::run(int reference, void* data, uint64_t factor) {
  lua_pushcfunction(lua_, describe);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, reference);
  lua_pushlightuserdata(lua_, data);
  return call(factor);
}

bool LuaScript::call(uint64_t factor) {
  place_.clear();
  has_run_out_ = false;
  left_ = limits_.instructions * factor;
  lua_sethook(lua_, count, LUA_MASKCOUNT, kHookEvery);
  const int status = lua_pcall(lua_, 1, 0, -3);
  if (status == LUA_OK) {
    lua_settop(lua_, 0);
    return true;
  }
  return end_call(status);
}

// The message is on the top of the stack.
bool LuaScript::end_call(int status) {
  size_t size = 0;
  const char* text = lua_tolstring(lua_, -1, &size);
  std::string message;
  if (has_run_out_)
    message = place_ + "more instructions than a callback may use (option instructions)";
  else if (status == LUA_ERRMEM)
    message = place_ + "more memory than the " + std::to_string(limits_.memory >> 20) +
              " MiB that it may use (option memory)";
  else if (text == nullptr)
    message = "an error without a message";
  else
    message.assign(text, size);
  error_.clear();
  append_escaped(error_, std::string_view(message).substr(0, kLongestError));
  if (message.size() > kLongestError) error_ += "...";
  lua_settop(lua_, 0);
  return false;
}

}  // namespace wc::backends
