// A Lua script with limits: what it may use of memory and of instructions, and which of Lua's
// library it sees. It knows nothing of events.
//
// - Memory is counted by the allocator. Where the script has used up its part, the allocation
//   fails, which is an error of the script's like any other.
// - Instructions are counted by a hook, for each call from here anew. Once they are used up, each
//   further instruction is an error, so a script cannot catch it (pcall) and go on.
// - What works long inside of one library function is not interrupted: Lua has no hook there.
//   string.rep and table.move, which can be told to, are refused what is beyond all sense.
// - Nothing that a script may do touches the process: no os.exit, os.execute, io.popen, no
//   standard streams, no C modules, no precompiled code, no finalizers (they run without hooks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct lua_State;
struct lua_Debug;

namespace wc::backends {

class LuaScript {
 public:
  struct Limits {
    size_t memory = size_t{64} << 20;  // bytes
    uint64_t instructions = 10'000'000;
  };
  // For what comes once, such as the end of the run.
  static constexpr uint64_t kLongFactor = 100;
  // What write() and print() of the script do. False: there is no room.
  using Write = bool (*)(void* context, std::string_view text);

  LuaScript(Limits limits, Write on_write, void* context);
  LuaScript(const LuaScript&) = delete;
  LuaScript& operator=(const LuaScript&) = delete;
  ~LuaScript();

  // Reads the file and runs it once, so that it defines its functions. False: error() says why.
  bool load(const std::string& path);
  [[nodiscard]] const std::string& text() const { return text_; }
  // Calls `function` protected, with `data` as its light userdata; it may leave by a Lua error.
  // The instructions are counted from here: `factor` times those of the limits. False: see error().
  bool run(int (*function)(lua_State* lua), void* data, uint64_t factor = 1);
  // The same for a C function that is in the registry with its upvalues.
  bool run(int reference, void* data, uint64_t factor = 1);

  // One line, with file and line of the script where these are known.
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] lua_State* lua() const { return lua_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  static void* allocate(void* self, void* block, size_t old_size, size_t size);
  static void count(lua_State* lua, lua_Debug* info);
  static int describe(lua_State* lua);
  static void write_text(lua_State* lua, std::string_view text);
  static int write(lua_State* lua);
  static int print(lua_State* lua);
  static LuaScript& of(lua_State* lua);
  static int set_up(lua_State* lua);

  bool read(const std::string& path);
  bool call(uint64_t factor);
  bool end_call(int status);
  void note_memory();
  std::string position(lua_State* lua) const;

  Limits limits_;
  Write write_;
  void* context_;
  lua_State* lua_ = nullptr;
  size_t used_ = 0;    // bytes
  uint64_t left_ = 0;  // instructions of this call
  bool has_run_out_ = false;
  int refusals_ = 0;         // allocations that are to fail
  bool is_limited_ = false;  // memory; not while the library is set up
  std::string place_;        // of an error, while it is made
  std::string text_, error_;
};

}  // namespace wc::backends
