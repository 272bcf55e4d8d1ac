// Backend "sqlite": rows as events say, references that hold, files that cannot be written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "backend_test_host.h"
#include "temporary_folder.h"

namespace wc::backends {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> said;

class Sqlite : public ::testing::Test {
 protected:
  Sqlite() {
    said.clear();
    std::fclose(std::fopen(path_.c_str(), "w"));  // as the host does
  }
  wc_host settings() {
    return {.version = "1",
            .engine = "ptrace",
            .output = path_.c_str(),
            .say = [](void*, const char* line, int) { said.emplace_back(line); }};
  }
  // Rows with bars between the columns.
  std::vector<std::string> rows(const std::string& sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path_.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    std::vector<std::string> all;
    const auto add = [](void* to, int count, char** values, char**) {
      std::string line;
      for (int i = 0; i < count; ++i)
        line += std::string(i != 0 ? "|" : "") + (values[i] ? values[i] : "-");
      static_cast<std::vector<std::string>*>(to)->push_back(line);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), add, &all, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    return all;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "run.db";
};

TEST_F(Sqlite, CallsAndSystemCallsAndWhatTheyReferTo) {
  TestHost host(sqlite_backend(), {{"output", path_}}, settings());
  ASSERT_TRUE(host.is_open()) << host.error();
  wc_process start = process_event(WC_PROCESS_START);
  start.path = "/bin/prog";
  host.send(start);
  const wc_arg args[] = {{.type = WC_ARG_INT, .value = 3},
                         {.type = WC_ARG_STRING, .length = 3, .value = 0x1000, .text = "a\0b"},
                         {.type = WC_ARG_UNKNOWN}};
  wc_call outer = call_event(1, "fopen", "\"x\"");
  outer.caller = {.address = 1,
                  .object = "/bin/prog",
                  .symbol = "main",
                  .offset = 9,
                  .file = "/s/p.c",
                  .line = 7};
  host.send(outer);
  wc_call inner = call_event(2, "malloc", "8", 1);
  inner.parent = 1;
  host.send(inner);
  wc_syscall syscall =
      syscall_event(2, "write", "3, \"a\\0b\", 3", "-1 ENOSPC (No space left on device)");
  syscall.error = 28, syscall.ret = -1, syscall.error_name = "ENOSPC", syscall.path = "/tmp/x";
  syscall.args = args, syscall.nargs = 3;
  host.send(syscall);
  host.send(return_event(2, "malloc", "0x1"));
  host.send(return_event(1, "fopen", "NULL"));
  host.send(syscall_event(99, "read", "", "1"));  // of a call that was never reported
  wc_process exit = process_event(WC_PROCESS_EXIT);
  exit.status = 3 << 8;
  host.send(exit);
  host.close();
  EXPECT_THAT(said, IsEmpty());
  EXPECT_THAT(rows("PRAGMA foreign_key_check"), IsEmpty());
  EXPECT_THAT(rows("SELECT c.id, parent, f.name, p.text, args, ret, dur FROM call c JOIN function "
                   "f ON f.id = function "
                   "LEFT JOIN place p ON p.id = place ORDER BY c.id"),
              ElementsAre("1|-|fopen|main at p.c:7|\"x\"|NULL|490", "2|1|malloc|-|8|0x1|490"));
  EXPECT_THAT(
      rows("SELECT call, name, error, ret, path, text FROM syscall ORDER BY id"),
      ElementsAre(
          "2|write|ENOSPC|-1|/tmp/x|write(3, \"a\\0b\", 3) = -1 ENOSPC (No space left on device)",
          "-|read|-|0|-|read() = 1"));
  EXPECT_THAT(rows("SELECT position, number, hex(text) FROM arg WHERE syscall = 1"),
              ElementsAre("0|3|", "1|4096|610062", "2|-|"));
  EXPECT_THAT(rows("SELECT program, status, killed FROM process"), ElementsAre("/bin/prog|3|-"));
  EXPECT_THAT(rows("SELECT version, engine, is_complete FROM run"), ElementsAre("1|ptrace|1"));
  EXPECT_THAT(rows("SELECT function, calls, syscalls, errors FROM by_function"),
              ElementsAre("malloc|1|1|1", "fopen|1|0|0"));
}

TEST_F(Sqlite, ACallIsThereFromTheFirstFlushOnAndHasAnEndWhenItReturns) {
  TestHost host(sqlite_backend(), {{"output", path_}}, settings());
  for (uint64_t id = 1; id <= 3; ++id)
    host.send(call_event(id, "f", "", static_cast<uint32_t>(id - 1)));
  host.send(return_event(3, "f", "7"));  // before a flush
  host.flush(1);
  host.send(return_event(2, "f", "8"));  // after it
  host.close();                          // 1 never returns
  EXPECT_THAT(rows("SELECT id, dur, ret FROM call ORDER BY id"),
              ElementsAre("1|-|-", "2|490|8", "3|490|7"));
}

TEST_F(Sqlite, BytesThatAreNoTextBecomeWhatTheyAreInJson) {
  TestHost host(sqlite_backend(), {{"output", path_}}, settings());
  wc_syscall syscall = syscall_event(0, "open", "", "3");
  syscall.path = "a\xff\xc3\xa9\xe2\x82";
  host.send(syscall);
  host.close();
  EXPECT_THAT(rows("SELECT hex(path) FROM syscall"), ElementsAre("61C3BFC3A9C3A2C282"));
}

TEST_F(Sqlite, WithoutArgs) {
  TestHost host(sqlite_backend(), {{"output", path_}, {"args", "off"}}, settings());
  wc_call call = call_event(1, "f", "");
  const wc_arg arg{.type = WC_ARG_INT, .value = 1};
  call.args = &arg, call.nargs = 1;
  host.send(call);
  host.close();
  EXPECT_THAT(rows("SELECT count(*) FROM arg"), ElementsAre("0"));
}

TEST_F(Sqlite, WhatIsWrongIsSaid) {
  EXPECT_THAT(TestHost(sqlite_backend(), {}, {}).error(), HasSubstr("sqlite:output=FILE"));
  EXPECT_THAT(TestHost(sqlite_backend(), {{"output", "x"}, {"args", "maybe"}}, settings()).error(),
              HasSubstr("on or off"));
  {
    TestHost first(sqlite_backend(), {{"output", path_}}, settings());
    // Another one writes there.
    EXPECT_THAT(TestHost(sqlite_backend(), {{"output", path_}}, settings()).error(),
                HasSubstr("locked"));
  }
  // -A: there is a run in it already.
  EXPECT_THAT(TestHost(sqlite_backend(), {{"output", path_}}, settings()).error(),
              HasSubstr("already exists"));
}

TEST_F(Sqlite, AFullQueueMakesTheTracerWaitAndThatIsSaid) {
  TestHost host(sqlite_backend(), {{"output", path_}}, settings());
  // Many small rows: SQLite takes longer over one than its copy into the queue takes.
  const std::string text(300, 'x');
  wc_syscall syscall = syscall_event(0, "write", text.c_str(), "1");
  for (int i = 0; i < 400'000; ++i) host.send(syscall);
  host.close();
  EXPECT_THAT(rows("SELECT count(*) FROM syscall"), ElementsAre("400000"));
  const std::string waits = rows("SELECT waits FROM run").front();
  EXPECT_NE(waits, "0");
  EXPECT_THAT(said, ElementsAre(HasSubstr("the tracer waited " + waits + " times")));
}

TEST_F(Sqlite, AFileThatCannotGrowIsOneError) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  TestHost host(sqlite_backend(), {{"output", path_}}, settings());
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{512 * 1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string text(1000, 'x');
  wc_syscall syscall = syscall_event(0, "write", text.c_str(), "1");
  for (int i = 0; i < 5000; ++i) host.send(syscall);
  host.close();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(said, ElementsAre(HasSubstr("cannot write " + path_)));
  EXPECT_THAT(rows("PRAGMA integrity_check"), ElementsAre("ok"));
}

}  // namespace
}  // namespace wc::backends
