// Backend "lua": the callbacks of this interface as functions of a script (docs/lua.md).
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <lua.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "builtin.h"
#include "lua_event.h"
#include "lua_script.h"
#include "sink.h"

namespace wc::backends {

namespace {

constexpr uint64_t kLargestLimit = 1'000'000;  // MiB, and of instructions in thousands

class LuaBackend {
 public:
  enum Function {
    Open,
    Call,
    Enter,
    Exit,
    Ret,
    Process,
    Object,
    Lost,
    Totals,
    Flush,
    Snapshot,
    Close
  };
  static constexpr const char* kNames[] = {"open",   "call",    "syscall_enter", "syscall_exit",
                                           "ret",    "process", "object",        "lost",
                                           "totals", "flush",   "snapshot",      "close"};
  static constexpr size_t kFunctions = std::size(kNames);

  LuaBackend(const wc_host& host, LuaScript::Limits limits)
      : sink_(host), script_(limits, keep_text, this), context_{{}, false, scratch_} {}

  bool load(const std::string& path) {
    if (!script_.load(path)) return false;
    context_.keys = LuaKeySet::named_in(script_.text());
    return script_.run(find, this);
  }
  [[nodiscard]] bool has(Function function) const { return references_[function] != LUA_NOREF; }
  [[nodiscard]] uint32_t wants() const { return wants_; }
  [[nodiscard]] const std::string& error() const { return script_.error(); }

  bool open();
  template <Function kFunction, typename Event>
  void on(const Event& event);
  int enter(const wc_syscall& event, wc_verdict& verdict);
  void at(Function function, uint64_t now, uint64_t factor);
  void end();

 private:
  // What a call of a callback needs: the C function of `push` finds it as its argument.
  struct Job {
    LuaBackend* backend;
    Function function;
    const void* event;
    wc_verdict* verdict;
    int kind;
  };

  static bool keep_text(void* self, std::string_view text) {
    auto& backend = *static_cast<LuaBackend*>(self);
    std::string& buffer = backend.sink_.buffer();
    if (!backend.is_open_ && buffer.size() + text.size() > kMostBeforeOpen) return false;
    buffer += text;
    if (buffer.size() >= kMostBuffered && backend.is_open_) backend.sink_.send();
    return true;
  }
  static int find(lua_State* lua);
  void find_wants();
  static int push_options(lua_State* lua);
  static int call_open(lua_State* lua);
  static int call_at(lua_State* lua);
  template <typename Event, void (*push)(lua_State*, const LuaEventContext&, const Event&)>
  static int call_with(lua_State* lua);
  static void take_verdict(lua_State* lua, int first, Job& job);
  void finish(bool is_done) {
    if (!sink_.buffer().empty()) sink_.send();
    if (!is_done) retire();
  }
  void retire() {
    is_open_ = false;
    const wc_host& host = sink_.host();
    if (host.retire != nullptr) host.retire(host.handle, script_.error().c_str());
  }

  static constexpr size_t kMostBuffered = size_t{64} << 10;
  static constexpr size_t kMostBeforeOpen = size_t{1} << 20;

  Sink sink_;
  LuaScript script_;
  std::string scratch_;
  LuaEventContext context_;
  int references_[kFunctions] = {};  // of the script's functions
  int callers_[kFunctions] = {};     // of the C functions that call these
  uint32_t wants_ = 0;
  bool is_open_ = false;
};

// ---- What the script defines

int LuaBackend::find(lua_State* lua) {
  auto& backend = *static_cast<LuaBackend*>(lua_touserdata(lua, 1));
  static constexpr lua_CFunction kCallers[kFunctions] = {
      call_open,
      call_with<wc_call, push_event>,
      call_with<wc_syscall, push_entry>,
      call_with<wc_syscall, push_event>,
      call_with<wc_return, push_event>,
      call_with<wc_process, push_event>,
      call_with<wc_object, push_event>,
      call_with<wc_lost, push_event>,
      call_with<wc_totals, push_event>,
      call_at,
      call_at,
      call_at,
  };
  for (size_t i = 0; i < kFunctions; ++i) {
    const int type = lua_getglobal(lua, kNames[i]);
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
      return luaL_error(lua, "the global `%s` is no function", kNames[i]);
    backend.references_[i] = type == LUA_TNIL ? LUA_NOREF : luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_settop(lua, 1);
    lua_pushcclosure(lua, kCallers[i], push_lua_upvalues(lua, backend.context_.keys));
    backend.callers_[i] = luaL_ref(lua, LUA_REGISTRYINDEX);
  }
  backend.find_wants();
  return 0;
}

// From the functions that there are and the keys that they can read.
void LuaBackend::find_wants() {
  const LuaKeySet& keys = context_.keys;
  const bool has_calls = has(Call) || has(Ret), has_syscalls = has(Enter) || has(Exit);
  const auto reads = [&](std::initializer_list<const char*> names) {
    return std::ranges::any_of(names, [&](const char* name) { return keys.has(name); });
  };
  if ((has_calls || has_syscalls) && reads({"text", "args", "ret", "path"})) wants_ |= WC_WANT_TEXT;
  if (has(Call) && reads({"caller"})) wants_ |= WC_WANT_CALLER;
  if (has_calls && reads({"ts", "dur"})) wants_ |= WC_WANT_CALL_TIME;
  if (has(Exit) && reads({"dur"})) wants_ |= WC_WANT_SYSCALL_TIME;
  if (has_syscalls && reads({"fd_path"})) wants_ |= WC_WANT_PATHS;
  if (has(Enter)) wants_ |= WC_WANT_VERDICTS;
  if (has(Totals)) wants_ |= WC_WANT_COUNTS;
  // Who goes through all keys gets the stack with -k, as JSON does; who names it gets it.
  const bool shows_stack = sink_.host().stack_trace != 0 || (!keys.is_all() && keys.has("stack"));
  context_.has_stacks = shows_stack && keys.has("stack");
  if (context_.has_stacks) wants_ |= WC_WANT_STACK;
}

// ---- Calling it

template <typename Event, void (*push)(lua_State*, const LuaEventContext&, const Event&)>
int LuaBackend::call_with(lua_State* lua) {
  Job& job = *static_cast<Job*>(lua_touserdata(lua, 1));
  lua_rawgeti(lua, LUA_REGISTRYINDEX, job.backend->references_[job.function]);
  push(lua, job.backend->context_, *static_cast<const Event*>(job.event));
  if (job.verdict == nullptr) {
    lua_call(lua, 1, 0);
    return 0;
  }
  lua_call(lua, 1, 2);
  take_verdict(lua, 2, job);
  return 0;
}

int LuaBackend::call_at(lua_State* lua) {
  const Job& job = *static_cast<Job*>(lua_touserdata(lua, 1));
  lua_rawgeti(lua, LUA_REGISTRYINDEX, job.backend->references_[job.function]);
  const bool has_time = job.function != Close;
  if (has_time)
    lua_pushinteger(lua, static_cast<lua_Integer>(*static_cast<const uint64_t*>(job.event)));
  lua_call(lua, has_time ? 1 : 0, 0);
  return 0;
}

int LuaBackend::push_options(lua_State* lua) {
  const Job& job = *static_cast<Job*>(lua_touserdata(lua, 1));
  const wc_host& host = job.backend->sink_.host();
  lua_newtable(lua);
  for (const char* const* name = host.option_names; name != nullptr && *name != nullptr; ++name) {
    const std::string_view key = *name;
    if (key == "script" || key == "output" || key == "memory" || key == "instructions") continue;
    lua_pushstring(lua, host.option(host.handle, *name));
    lua_setfield(lua, -2, *name);
  }
  return 1;
}

int LuaBackend::call_open(lua_State* lua) {
  const Job& job = *static_cast<Job*>(lua_touserdata(lua, 1));
  lua_rawgeti(lua, LUA_REGISTRYINDEX, job.backend->references_[Open]);
  push_options(lua);
  lua_call(lua, 1, 0);
  return 0;
}

// An errno by number or by name.
int to_errno(lua_State* lua, int index) {
  constexpr int kMostErrno = 4095;
  if (lua_type(lua, index) == LUA_TSTRING) {
    const char* name = lua_tostring(lua, index);
    for (int code = 1; code <= 133; ++code)
      if (const char* known = ::strerrorname_np(code);
          known != nullptr && std::strcmp(known, name) == 0)
        return code;
    return luaL_error(lua, "syscall_enter returned \"fail\", '%s', which is no errno", name);
  }
  int is_integer = 0;
  const lua_Integer code = lua_tointegerx(lua, index, &is_integer);
  if (is_integer == 0 || code < 1 || code > kMostErrno)
    return luaL_error(lua, "syscall_enter returned \"fail\" without an errno (1 to %d, or a name)",
                      kMostErrno);
  return static_cast<int>(code);
}

int64_t to_value(lua_State* lua, int index, const char* what) {
  int is_integer = 0;
  const lua_Integer value = lua_tointegerx(lua, index, &is_integer);
  if (is_integer == 0 || lua_type(lua, index) != LUA_TNUMBER)
    luaL_error(lua, "syscall_enter returned %s that is no integer, but a %s", what,
               luaL_typename(lua, index));
  return value;
}

// What the table leaves out stays as the program has it.
void take_args(lua_State* lua, int index, const wc_syscall& event, wc_verdict& verdict) {
  if (lua_type(lua, index) != LUA_TTABLE)
    luaL_error(lua, "syscall_enter returned \"change\" without a table of arguments");
  for (uint32_t i = 0; i < std::size(verdict.args); ++i) {
    if (event.args != nullptr && i < event.nargs) verdict.args[i] = event.args[i].value;
    if (lua_rawgeti(lua, index, i + 1) != LUA_TNIL)
      verdict.args[i] = static_cast<uint64_t>(to_value(lua, -1, "an argument"));
    lua_pop(lua, 1);
  }
}

// The two values that the script has returned, from `first` on.
void LuaBackend::take_verdict(lua_State* lua, int first, Job& job) {
  if (lua_isnil(lua, first)) return;
  const std::string_view word =
      lua_type(lua, first) == LUA_TSTRING ? lua_tostring(lua, first) : std::string_view("?");
  if (word == "fail") {
    job.verdict->value = to_errno(lua, first + 1);
    job.kind = WC_FAIL;
  } else if (word == "return") {
    job.verdict->value = to_value(lua, first + 1, "a value");
    job.kind = WC_RETURN;
  } else if (word == "change") {
    take_args(lua, first + 1, *static_cast<const wc_syscall*>(job.event), *job.verdict);
    job.kind = WC_CHANGE;
  } else if (word == "kill") {
    job.kind = WC_KILL;
  } else if (word == "stop_scope") {
    job.kind = WC_STOP_SCOPE;
  } else {
    luaL_error(lua,
               "syscall_enter returned %s, which is no verdict; there are nothing, \"fail\", "
               "\"return\", \"change\", \"kill\", \"stop_scope\"",
               luaL_tolstring(lua, first, nullptr));
  }
}

bool LuaBackend::open() {
  is_open_ = true;
  Job job{this, Open, nullptr, nullptr, 0};
  const bool is_done = !has(Open) || script_.run(callers_[Open], &job, LuaScript::kLongFactor);
  if (is_done && !sink_.buffer().empty()) sink_.send();  // what the file itself has written, too
  return is_done;
}

template <LuaBackend::Function kFunction, typename Event>
void LuaBackend::on(const Event& event) {
  Job job{this, kFunction, &event, nullptr, 0};
  finish(script_.run(callers_[kFunction], &job));
}

int LuaBackend::enter(const wc_syscall& event, wc_verdict& verdict) {
  Job job{this, Enter, &event, &verdict, WC_GO_ON};
  const bool is_done = script_.run(callers_[Enter], &job);
  finish(is_done);
  return is_done ? job.kind : WC_GO_ON;
}

void LuaBackend::at(Function function, uint64_t now, uint64_t factor) {
  Job job{this, function, &now, nullptr, 0};
  finish(script_.run(callers_[function], &job, factor));
}

void LuaBackend::end() {
  if (is_open_ && has(Close)) at(Close, 0, LuaScript::kLongFactor);
}

// ---- The interface

LuaBackend& self(void* context) { return *static_cast<LuaBackend*>(context); }

// 0: it is no number that a limit can be.
uint64_t limit_of(const Sink& sink, const char* option, uint64_t otherwise) {
  const std::string text(sink.option(option));
  if (text.empty()) return otherwise;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > kLargestLimit * 1000) return 0;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

void keep_defined(const LuaBackend& backend, wc_backend& mine) {
  using B = LuaBackend;
  if (!backend.has(B::Call)) mine.call = nullptr;
  if (!backend.has(B::Enter)) mine.syscall_enter = nullptr;
  if (!backend.has(B::Exit)) mine.syscall_exit = nullptr;
  if (!backend.has(B::Ret)) mine.ret = nullptr;
  if (!backend.has(B::Process)) mine.process = nullptr;
  if (!backend.has(B::Object)) mine.object = nullptr;
  if (!backend.has(B::Lost)) mine.lost = nullptr;
  if (!backend.has(B::Totals)) mine.totals = nullptr;
  if (!backend.has(B::Flush)) mine.flush = nullptr;
  if (!backend.has(B::Snapshot)) mine.snapshot = nullptr;
}

int prepare_lua(void** context, const wc_host* host, wc_backend* mine, char* error, size_t size) {
  const Sink sink(*host);
  const std::string path(sink.option("script"));
  if (path.empty())
    return open_error(error, size, "needs a script: lua:script=FILE, or ./FILE.lua");
  LuaScript::Limits limits;
  limits.memory = limit_of(sink, "memory", limits.memory >> 20) << 20;
  limits.instructions = limit_of(sink, "instructions", limits.instructions);
  if (limits.memory == 0 || limits.memory >> 20 > kLargestLimit)
    return open_error(error, size, "option 'memory' takes a number of MiB, 1 to 1000000");
  if (limits.instructions == 0 || limits.instructions > kLargestLimit * 1000)
    return open_error(error, size, "option 'instructions' takes a number, 1 to 1000000000");
  auto backend = std::make_unique<LuaBackend>(*host, limits);
  if (!backend->load(path)) return open_error(error, size, backend->error());
  keep_defined(*backend, *mine);
  mine->wants = backend->wants();
  *context = backend.release();
  return 0;
}

int open_lua(void** context, const wc_host*, char* error, size_t size) {
  std::unique_ptr<LuaBackend> backend(&self(*context));
  if (!backend->open()) return open_error(error, size, backend->error());
  (void)backend.release();
  return 0;
}

// JSON leaves out what the user does not want to see, too.
void on_process(void* context, const wc_process* event) {
  if (event->quiet == 0 && event->event <= WC_PROCESS_STOP)
    self(context).on<LuaBackend::Process>(*event);
}

}  // namespace

const wc_backend* lua_backend() {
  using B = LuaBackend;
  static constexpr wc_backend kLua = {
      .abi = WC_BACKEND_ABI,
      .struct_size = sizeof(wc_backend),
      .name = "lua",
      .wants = 0,
      .options = "*",
      .open = open_lua,
      .call = [](void* context, const wc_call* e) { self(context).on<B::Call>(*e); },
      .syscall_enter = [](void* context, const wc_syscall* e,
                          wc_verdict* verdict) { return self(context).enter(*e, *verdict); },
      .syscall_exit = [](void* context, const wc_syscall* e) { self(context).on<B::Exit>(*e); },
      .ret = [](void* context, const wc_return* e) { self(context).on<B::Ret>(*e); },
      .process = on_process,
      .object = [](void* context, const wc_object* e) { self(context).on<B::Object>(*e); },
      .lost = [](void* context, const wc_lost* e) { self(context).on<B::Lost>(*e); },
      .totals = [](void* context, const wc_totals* e) { self(context).on<B::Totals>(*e); },
      .flush = [](void* context, uint64_t now) { self(context).at(B::Flush, now, 1); },
      .close =
          [](void* context) {
            const std::unique_ptr<LuaBackend> backend(&self(context));
            backend->end();
          },
      .snapshot = [](void* context,
                     uint64_t now) { self(context).at(B::Snapshot, now, LuaScript::kLongFactor); },
      .prepare = prepare_lua,
  };
  return &kLua;
}

}  // namespace wc::backends
