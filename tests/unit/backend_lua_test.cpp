// Backend lua without a tracer: what a script makes the host gather, and what it costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backend_test_host.h"
#include "temporary_folder.h"

namespace wc::backends {
namespace {

using ::testing::IsEmpty;

class LuaBackendTest : public ::testing::Test {
 protected:
  std::string script(const std::string& text) {
    const std::string path = folder_.path() + "/script.lua";
    std::ofstream(path) << text;
    return path;
  }
  uint32_t wants(const std::string& text, wc_host settings = {}) {
    const TestHost host(lua_backend(), {{"script", script(text)}}, settings);
    EXPECT_TRUE(host.is_open()) << host.error();
    return host.table().wants;
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(LuaBackendTest, WhatTheScriptDoesNotDefineIsNotCalled) {
  const TestHost host(lua_backend(), {{"script", script("function ret(e) end")}});
  ASSERT_TRUE(host.is_open()) << host.error();
  EXPECT_NE(host.table().ret, nullptr);
  EXPECT_EQ(host.table().call, nullptr);
  EXPECT_EQ(host.table().syscall_enter, nullptr);
  EXPECT_EQ(host.table().syscall_exit, nullptr);
  EXPECT_EQ(host.table().process, nullptr);
  EXPECT_EQ(host.table().object, nullptr);
  EXPECT_EQ(host.table().lost, nullptr);
  EXPECT_EQ(host.table().totals, nullptr);
  EXPECT_EQ(host.table().flush, nullptr);
  EXPECT_EQ(host.table().snapshot, nullptr);
}

TEST_F(LuaBackendTest, TheHostIsAskedForWhatTheTextNames) {
  EXPECT_EQ(wants("function syscall_exit(e) write(e.name) end"), 0U);
  EXPECT_EQ(wants("function call(e) end"), 0U);
  EXPECT_EQ(wants("function syscall_exit(e) write(e.text) end"), WC_WANT_TEXT);
  EXPECT_EQ(wants("function syscall_exit(e) write(e['fd_path']) end"), WC_WANT_PATHS);
  EXPECT_EQ(wants("function syscall_exit(e) write(e.dur) end"), WC_WANT_SYSCALL_TIME);
  EXPECT_EQ(wants("function ret(e) write(e.dur) end"), WC_WANT_CALL_TIME);
  EXPECT_EQ(wants("function call(e) write(e . caller.symbol) end"), WC_WANT_CALLER);
  EXPECT_EQ(wants("local stack = {} function call(e) end"), 0U);
  EXPECT_EQ(wants("function call(e) return e.stack end"), WC_WANT_STACK);
  EXPECT_EQ(wants("function syscall_enter(e) end"), WC_WANT_VERDICTS);
  EXPECT_EQ(wants("function totals(e) end"), WC_WANT_COUNTS);
}

TEST_F(LuaBackendTest, WhoGoesThroughAnEventGetsWhatJsonGets) {
  constexpr uint32_t kJson =
      WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME | WC_WANT_PATHS;
  const std::string both = "function call(e) end function syscall_exit(e) end ";
  EXPECT_EQ(wants(both + "local function show(t) for k in pairs(t) do end end"), kJson);
  EXPECT_EQ(wants(both + "function x() next({}) end"), kJson);
  EXPECT_EQ(wants(both + "local mine = {} for k in pairs(mine) do end"), 0U);
  wc_host with_stacks{};
  with_stacks.stack_trace = 1;
  EXPECT_EQ(wants(both + "function f(t) pairs(t) end", with_stacks), kJson | WC_WANT_STACK);
}

TEST_F(LuaBackendTest, AnErrorRetiresTheScriptOnce) {
  TestHost host(lua_backend(), {{"script", script("function call(e)\n  error('why') end")}});
  ASSERT_TRUE(host.is_open()) << host.error();
  host.send(call_event(1, "open", "\"x\""));
  EXPECT_THAT(host.retired(), ::testing::EndsWith("/script.lua:2: why"));
  host.close();
  EXPECT_THAT(host.take(), IsEmpty());
}

// As with -ff, where one instance only says what those of the processes will want.
TEST_F(LuaBackendTest, AScriptThatIsNeverOpenedWritesNothing) {
  static std::string path;
  path = script("write('at once') function close() write('end') end");
  wc_host host{.abi = WC_BACKEND_ABI, .struct_size = sizeof(wc_host)};
  host.write = [](void*, const char* data, size_t size) {
    ADD_FAILURE() << std::string(data, size);
  };
  host.option = [](void*, const char* key) {
    return std::string_view(key) == "script" ? path.c_str() : nullptr;
  };
  wc_backend table = *lua_backend();
  void* context = nullptr;
  char error[200] = "";
  ASSERT_EQ(table.prepare(&context, &host, &table, error, sizeof error), 0) << error;
  table.close(context);
}

}  // namespace
}  // namespace wc::backends
