#include "lua_event.h"

#include <sys/wait.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <lua.hpp>
#include <span>
#include <string_view>

#include "escape.h"
#include "frames.h"
#include "text_words.h"

namespace wc::backends {

namespace {

enum class Key {
#define WC_LUA_KEY(name) k_##name,
#include "lua_keys.def"
#undef WC_LUA_KEY
};

constexpr auto& kKeys = kLuaKeys;

constexpr int kMetatable = static_cast<int>(std::size(kKeys)) + 1;  // upvalues
constexpr uint64_t kAllKeys = LuaKeySet::kAll;

constexpr uint64_t bit(Key key) { return uint64_t{1} << static_cast<int>(key); }

// Fields of the table on the top of the stack, but for those that are left out. A key is an
// upvalue: a string that is made once.
class Fields {
 public:
  // A table inside of an event.
  Fields(lua_State* lua, int fields) : lua_(lua), keys_(kAllKeys) {
    lua_createtable(lua, 0, fields);
  }
  // An event. `most`: fields that it may have.
  Fields(lua_State* lua, int most, const LuaEventContext& context)
      : lua_(lua), keys_(context.keys.bits) {
    lua_createtable(lua, 0, std::min(most, std::popcount(keys_)));
    if (context.keys.is_all()) return;
    lua_pushvalue(lua, lua_upvalueindex(kMetatable));
    lua_setmetatable(lua, -2);
  }

  [[nodiscard]] bool has(Key key) const { return (keys_ & bit(key)) != 0; }
  void integer(Key key, uint64_t value) {
    if (!has(key)) return;
    push(key);
    lua_pushinteger(lua_, static_cast<lua_Integer>(value));
    lua_rawset(lua_, -3);
  }
  void text(Key key, std::string_view value) {
    if (!has(key)) return;
    push(key);
    lua_pushlstring(lua_, value.data(), value.size());
    lua_rawset(lua_, -3);
  }
  void text_if(Key key, const char* value) {
    if (value == nullptr || !has(key)) return;
    push(key);
    lua_pushstring(lua_, value);  // knows the last ones by their addresses
    lua_rawset(lua_, -3);
  }
  void boolean(Key key, bool value) {
    if (!has(key)) return;
    push(key);
    lua_pushboolean(lua_, value ? 1 : 0);
    lua_rawset(lua_, -3);
  }
  // If true, the next value pushed becomes the key's by end().
  [[nodiscard]] bool begin(Key key) {
    if (has(key)) push(key);
    return has(key);
  }
  void end() { lua_rawset(lua_, -3); }

 private:
  void push(Key key) { lua_pushvalue(lua_, lua_upvalueindex(static_cast<int>(key) + 1)); }

  lua_State* lua_;
  uint64_t keys_;
};

// __index of events: what is absent is nil, unless it was left out.
int read_absent(lua_State* lua) {
  const char* key = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
  const auto left_out = ~static_cast<uint64_t>(lua_tointeger(lua, lua_upvalueindex(1)));
  for (size_t i = 0; i < std::size(kKeys); ++i)
    if ((left_out >> i & 1) != 0 && std::string_view(key) == kKeys[i])
      return luaL_error(lua,
                        "the script reads the key '%s' without having its name in its text (as "
                        "e[\"%s\"]), by which the tracer knows what to fill in",
                        key, key);
  return 0;
}

int refuse_pairs(lua_State* lua) {
  return luaL_error(lua,
                    "pairs() of an event that is not a parameter of the function, by which the "
                    "tracer would know that it has to fill in all keys");
}

void push_arg(lua_State* lua, const wc_arg& arg) {
  if (arg.type == WC_ARG_STRING && arg.text != nullptr)
    lua_pushlstring(lua, arg.text, arg.length);
  else if (arg.type == WC_ARG_DOUBLE)
    lua_pushnumber(lua, std::bit_cast<double>(arg.value));
  else if (arg.type == WC_ARG_UNKNOWN)
    lua_pushnil(lua);
  else
    lua_pushinteger(lua, static_cast<lua_Integer>(arg.value));
}

void set_args(lua_State* lua, Fields& event, const wc_arg* args, uint32_t count) {
  if (!event.begin(Key::k_args)) return;
  if (args == nullptr) count = 0;
  const bool has_count = event.has(Key::k_n);
  lua_createtable(lua, static_cast<int>(count), has_count ? 1 : 0);
  for (uint32_t i = 0; i < count; ++i) {
    push_arg(lua, args[i]);
    lua_rawseti(lua, -2, i + 1);
  }
  if (has_count) {
    lua_pushvalue(lua, lua_upvalueindex(static_cast<int>(Key::k_n) + 1));
    lua_pushinteger(lua, count);
    lua_rawset(lua, -3);
  }
  event.end();
}

void set_place(Fields& fields, const wc_caller& at, bool has_offset) {
  fields.text_if(Key::k_object, at.object);
  fields.text_if(Key::k_symbol, at.symbol);
  if (has_offset) fields.integer(Key::k_offset, at.offset);
  fields.text_if(Key::k_file, at.file);
  if (at.file != nullptr && at.line != 0) fields.integer(Key::k_line, at.line);
}

void set_caller(lua_State* lua, Fields& event, const wc_caller& caller) {
  if (caller.object == nullptr && caller.symbol == nullptr) return;
  if (!event.begin(Key::k_caller)) return;
  Fields fields(lua, 5);
  set_place(fields, caller, true);
  event.end();
}

void set_stack(lua_State* lua, const LuaEventContext& context, Fields& event,
               const wc_stack_frame* frames, uint32_t count) {
  if (!context.has_stacks || count == 0) return;
  if (!event.begin(Key::k_stack)) return;
  lua_createtable(lua, static_cast<int>(count), 0);
  for (uint32_t i = 0; i < count; ++i) {
    const bool is_python = is_interpreted(frames[i]);
    Fields frame(lua, 7);
    set_place(frame, frames[i].at, !is_python);
    if (is_python) {
      frame.text(Key::k_language, "python");
    } else {
      frame.integer(Key::k_address, frames[i].at.address);
      frame.integer(Key::k_object_offset, frames[i].object_offset);
    }
    lua_rawseti(lua, -2, i + 1);
  }
  event.end();
}

void set_thread(Fields& fields, const char* type, uint64_t ts, int32_t pid, int32_t tid) {
  fields.text_if(Key::k_type, type);
  fields.integer(Key::k_ts, ts);
  fields.integer(Key::k_pid, static_cast<uint64_t>(pid));
  fields.integer(Key::k_tid, static_cast<uint64_t>(tid));
}

// What is known of a syscall before it happens.
void set_syscall(lua_State* lua, Fields& fields, const wc_syscall& event) {
  if (event.call != 0) {
    fields.integer(Key::k_call, event.call);
    fields.text_if(Key::k_function, event.function);
    if (event.chain != nullptr && event.chain_length >= 2 && fields.begin(Key::k_chain)) {
      lua_createtable(lua, static_cast<int>(event.chain_length), 0);
      for (uint32_t i = 0; i < event.chain_length; ++i) {
        lua_pushstring(lua, event.chain[i] != nullptr ? event.chain[i] : "");
        lua_rawseti(lua, -2, i + 1);
      }
      fields.end();
    }
  }
  fields.text_if(Key::k_name, event.name);
  fields.integer(Key::k_nr, event.nr);
  set_args(lua, fields, event.args, event.nargs);
  fields.text_if(Key::k_path, event.path);
  fields.text_if(Key::k_fd_path, event.fd_path);
  if ((event.flags & WC_SYSCALL_IN_SIGNAL) != 0) fields.boolean(Key::k_signal, true);
}

void set_result(lua_State* lua, const LuaEventContext& context, Fields& fields,
                const wc_syscall& event) {
  if (fields.begin(Key::k_ret)) {
    if (event.value != nullptr)
      push_arg(lua, *event.value);
    else
      lua_pushinteger(lua, event.ret);
    fields.end();
  }
  if (event.error == 0 || !fields.has(Key::k_error)) return;
  if (event.error_name == nullptr) context.scratch = "errno " + std::to_string(event.error);
  fields.text(Key::k_error, event.error_name != nullptr ? event.error_name : context.scratch);
}

void set_signal(const LuaEventContext& context, Fields& fields, Key key, int signal) {
  context.scratch.clear();
  append_signal_name(context.scratch, signal);
  fields.text(key, context.scratch);
}

}  // namespace

int push_lua_upvalues(lua_State* lua, const LuaKeySet& keys) {
  luaL_checkstack(lua, kMetatable + 4, nullptr);
  for (const char* key : kKeys) lua_pushstring(lua, key);
  lua_createtable(lua, 0, 3);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");  // a script must not add a finalizer
  lua_pushcfunction(lua, refuse_pairs);
  lua_setfield(lua, -2, "__pairs");
  lua_pushinteger(lua, static_cast<lua_Integer>(keys.bits));
  lua_pushcclosure(lua, read_absent, 1);
  lua_setfield(lua, -2, "__index");
  return kMetatable;
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_call& event) {
  Fields fields(lua, 14, context);
  set_thread(fields, "call", event.ts, event.pid, event.tid);
  fields.integer(Key::k_call, event.id);
  if (event.parent != 0) fields.integer(Key::k_parent, event.parent);
  fields.integer(Key::k_depth, event.depth);
  if (event.weight > 1) fields.integer(Key::k_weight, event.weight);
  fields.text_if(Key::k_function, event.function);
  fields.text_if(Key::k_library, event.library);
  set_args(lua, fields, event.args, event.nargs);
  set_caller(lua, fields, event.caller);
  set_stack(lua, context, fields, event.frames, event.frame_count);
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_syscall& event) {
  const bool has_result = (event.flags & WC_SYSCALL_NO_RESULT) == 0;
  Fields fields(lua, 16, context);
  set_thread(fields, "syscall", event.ts, event.pid, event.tid);
  fields.integer(Key::k_dur, event.dur);
  set_syscall(lua, fields, event);
  if (fields.has(Key::k_text)) {
    std::string& text = context.scratch;
    text.assign(view(event.name)) += '(';
    (text += view(event.args_text)) += ") = ";
    text += has_result ? view(event.ret_text) : "?";
    append_tampering(text, event.flags);
    fields.text(Key::k_text, text);
  }
  if (has_result) set_result(lua, context, fields, event);
  if (event.injected != nullptr && fields.begin(Key::k_injected)) {
    Fields injected(lua, 2);
    const bool is_verdict = (event.flags & WC_SYSCALL_BY_VERDICT) != 0;
    injected.integer(is_verdict ? Key::k_backend : Key::k_rule, event.rule);
    injected.text(Key::k_action, event.injected);
    fields.end();
  }
  set_stack(lua, context, fields, event.frames, event.frame_count);
}

void push_entry(lua_State* lua, const LuaEventContext& context, const wc_syscall& event) {
  Fields fields(lua, 14, context);
  set_thread(fields, "syscall_enter", event.ts, event.pid, event.tid);
  set_syscall(lua, fields, event);
  if (fields.has(Key::k_text)) {
    context.scratch.assign(view(event.name)) += '(';
    fields.text(Key::k_text, context.scratch += view(event.args_text));
  }
  set_stack(lua, context, fields, event.frames, event.frame_count);
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_return& event) {
  Fields fields(lua, 7, context);
  set_thread(fields, "return", event.ts, event.pid, event.tid);
  fields.integer(Key::k_dur, event.dur);
  fields.integer(Key::k_call, event.call);
  if ((event.flags & WC_RETURN_UNWOUND) != 0) {
    fields.boolean(Key::k_unwound, true);
  } else if (event.value != nullptr && fields.begin(Key::k_ret)) {
    push_arg(lua, *event.value);
    fields.end();
  }
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_process& event) {
  static constexpr std::string_view kNames[] = {"start", "fork", "exec", "exit", "signal", "stop"};
  Fields fields(lua, 8, context);
  set_thread(fields, "process", event.ts, event.pid, event.tid);
  fields.text(Key::k_event, event.event < std::size(kNames) ? kNames[event.event] : "other");
  switch (event.event) {
    case WC_PROCESS_FORK:
      fields.integer(Key::k_child, static_cast<uint64_t>(event.child));
      fields.boolean(Key::k_thread, event.thread != 0);
      break;
    case WC_PROCESS_EXIT:
      if (WIFSIGNALED(event.status)) {
        set_signal(context, fields, Key::k_killed, WTERMSIG(event.status));
        if (WCOREDUMP(event.status)) fields.boolean(Key::k_core, true);
      } else {
        fields.integer(Key::k_status, static_cast<uint64_t>(WEXITSTATUS(event.status)));
      }
      if (event.thread != 0) fields.boolean(Key::k_thread, true);
      break;
    case WC_PROCESS_SIGNAL:
    case WC_PROCESS_STOP:
      set_signal(context, fields, Key::k_signal, event.signal);
      set_stack(lua, context, fields, event.frames, event.frame_count);
      break;
    default:
      fields.text_if(Key::k_path, event.path);
  }
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_object& event) {
  Fields fields(lua, 12, context);
  fields.text(Key::k_type, "object");
  fields.integer(Key::k_ts, event.ts);
  fields.integer(Key::k_pid, static_cast<uint64_t>(event.pid));
  fields.text(Key::k_event, event.event == WC_OBJECT_UNLOAD ? "unload" : "load");
  fields.text_if(Key::k_path, event.path);
  fields.integer(Key::k_base, event.base);
  fields.text_if(Key::k_how, event.how);
  fields.text_if(Key::k_by, event.by);
  fields.text_if(Key::k_build_id, event.build_id);
  if (event.dur != 0) fields.integer(Key::k_dur, event.dur);
  if (event.tid != 0) fields.integer(Key::k_tid, static_cast<uint64_t>(event.tid));
  if (event.call != 0) fields.integer(Key::k_call, event.call);
  set_caller(lua, fields, event.caller);
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_lost& event) {
  Fields fields(lua, 4, context);
  fields.text(Key::k_type, "lost");
  fields.integer(Key::k_ts, event.ts);
  fields.integer(Key::k_pid, static_cast<uint64_t>(event.pid));
  fields.integer(Key::k_count, event.count);
}

void push_event(lua_State* lua, const LuaEventContext& context, const wc_totals& event) {
  Fields fields(lua, 7, context);
  fields.text(Key::k_type, "totals");
  fields.integer(Key::k_pid, static_cast<uint64_t>(event.pid));
  fields.text_if(Key::k_function, event.function);
  fields.text_if(Key::k_library, event.library);
  fields.integer(Key::k_calls, event.calls);
  fields.integer(Key::k_ns, event.ns);
  if ((event.flags & WC_TOTALS_SO_FAR) != 0) fields.boolean(Key::k_so_far, true);
}

}  // namespace wc::backends
