#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

wc_totals totals(int32_t pid, const char* function, uint64_t calls, uint64_t ns) {
  return {.pid = pid, .function = function, .library = "libc.so.6", .calls = calls, .ns = ns};
}

wc_syscall syscall_of(const char* function, const char* name, uint32_t nr, uint64_t ns,
                      int32_t error = 0) {
  return {.dur = ns,
          .pid = kPid,
          .tid = kPid,
          .call = function != nullptr ? 1U : 0U,
          .function = function,
          .nr = nr,
          .name = name,
          .error = error};
}

// fopen: 2 calls with 3 syscalls, of which one failed; puts: many cheap calls, one syscall.
void send_example(TestHost& host) {
  host.send(syscall_of("fopen", "openat", 257, 10'000, 2));
  host.send(syscall_of("fopen", "openat", 257, 10'000));
  host.send(syscall_of("fopen", "newfstatat", 262, 50'000));
  host.send(syscall_of("puts", "write", 1, 5'000));
  host.send(syscall_of(nullptr, "brk", 12, 7'000));
  host.send(totals(kPid, "fopen", 1, 100'000));
  host.send(totals(kPid, "puts", 1000, 90'000));
  host.send(totals(kPid + 1, "fopen", 1, 23'000));
  host.send(totals(kPid, "never", 0, 0));
}

std::vector<std::string> order(const char* sort) {
  TestHost host(summary_backend(), {{"sort", sort}, {"format", "json"}}, {.all_calls = 1});
  send_example(host);
  host.send(totals(kPid, "abs", 1, 1'000'000));
  host.close();
  std::vector<std::string> names;
  const json parsed = json::parse(host.take());
  for (const json& row : parsed["functions"]) names.push_back(row["function"]);
  return names;
}

TEST(SummaryTest, Sorts) {
  EXPECT_THAT(order("time"), ElementsAre("abs", "fopen", "puts"));
  EXPECT_THAT(order("calls"), ElementsAre("puts", "fopen", "abs"));
  EXPECT_THAT(order("syscalls"), ElementsAre("fopen", "puts", "abs"));
  EXPECT_THAT(order("errors"), ElementsAre("fopen", "abs", "puts"));
  EXPECT_THAT(order("name"), ElementsAre("abs", "fopen", "puts"));
}

json report(TestHost& host) {
  host.close();
  return json::parse(host.take());
}

// What an object has beside these members does not matter.
void expect_members(const json& object, const json& wanted) {
  for (const auto& [key, value] : wanted.items())
    EXPECT_EQ(object.value(key, json()), value) << key;
}

TEST(SummaryTest, Json) {
  TestHost host(summary_backend(), {{"format", "json"}});
  send_example(host);
  host.send(wc_lost{.pid = kPid, .count = 3});
  const json parsed = report(host);
  const json& fopen = parsed["functions"][0];
  expect_members(fopen, json::parse(R"({"function":"fopen","library":"libc.so.6","calls":2,
      "syscalls":3,"own":3,"errors":1,"ns":123000,"syscall_ns":70000,"avg_ns":61500,"measured":0})"));
  EXPECT_FALSE(fopen.contains("p50_ns")) << "no call was seen, only their total";
  expect_members(fopen["by_syscall"][0], json::parse(R"({"name":"newfstatat","nr":262,"count":1,
      "own":1,"errors":0,"ns":50000,"p50_ns":50000,"p99_ns":50000,"max_ns":50000})"));
  expect_members(fopen["by_syscall"][1],
                 json::parse(R"({"name":"openat","nr":257,"count":2,"errors":1,"ns":20000})"));
  EXPECT_EQ(parsed["functions"].size(), 2U) << "a function that was never called is left out";
  expect_members(parsed["outside"], json::parse(R"({"syscalls":1,"errors":0,"syscall_ns":7000,
      "by_syscall":[{"name":"brk","nr":12,"count":1,"errors":0,"ns":7000}]})"));
  expect_members(parsed["total"], json::parse(R"({"calls":1002,"syscalls":5,"errors":1,
      "syscall_ns":82000})"));
  EXPECT_EQ(parsed["lost"], 3);
}

json only_function(TestHost& host) { return report(host)["functions"][0]; }

// A process that is killed hands over no totals: its events are what there is.
TEST(SummaryTest, ProcessWithoutTotalsCountsByEvents) {
  TestHost host(summary_backend(), {{"format", "json"}}, {.all_calls = 1});
  host.send(call_event(1, "puts", ""));
  host.send(return_event(1, "puts", "1"));
  host.send(totals(kPid, "puts", 10, 1000));  // contains the call above
  host.send(return_event(1, "puts", "1"));    // late
  wc_call killed = call_event(2, "puts", "");
  killed.pid = kPid + 1;
  host.send(killed);
  wc_process exit = process_event(WC_PROCESS_EXIT);
  exit.pid = kPid + 1;
  host.send(exit);
  const json row = only_function(host);
  EXPECT_EQ(row["calls"], 11);
  EXPECT_GE(row["ns"], 1000);
}

TEST(SummaryTest, EndOfAThreadIsNotTheEndOfItsProcess) {
  TestHost host(summary_backend(), {{"format", "json"}}, {.all_calls = 1});
  host.send(call_event(1, "puts", ""));
  wc_process exit = process_event(WC_PROCESS_EXIT);
  exit.thread = 1;
  host.send(exit);
  host.send(totals(kPid, "puts", 1, 1000));
  EXPECT_EQ(only_function(host)["calls"], 1) << "counted by events and by totals";
}

TEST(SummaryTest, MadeUpSyscallNumbersDoNotGrowTheTable) {
  TestHost host(summary_backend(), {{"format", "json"}});
  for (uint32_t nr = 0; nr < 10'000; ++nr) host.send(syscall_of("syscall", "x", nr, 1));
  const json row = only_function(host);
  EXPECT_EQ(row["syscalls"], 10'000);
  EXPECT_LT(row["by_syscall"].size(), 3000U);
  EXPECT_EQ(row["by_syscall"][0]["name"], "(other)");
}

TEST(SummaryTest, LossesAreToldAndNamesEscaped) {
  TestHost host(summary_backend(), {}, {.all_calls = 1});
  host.send(totals(kPid, "\033[2J", 1, 1));
  host.send(wc_lost{.pid = kPid, .count = 3});
  host.close();
  const std::string text = host.take();
  EXPECT_THAT(text, HasSubstr("3 events were lost"));
  EXPECT_THAT(text, HasSubstr("\\33[2J"));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
}

TEST(SummaryTest, RefusesUnknownValues) {
  const auto error = [](const char* key, const char* value) {
    return TestHost(summary_backend(), {{key, value}}).error();
  };
  EXPECT_THAT(error("sort", "size"), HasSubstr("time, calls, syscalls, errors, max or name"));
  EXPECT_THAT(error("format", "xml"), HasSubstr("text, json, csv or table, found 'xml'"));
  EXPECT_THAT(error("by", "pid"), HasSubstr("function, caller, syscall, thread or path"));
  EXPECT_THAT(error("histogram", "yes"), HasSubstr("on or off"));
  for (const char* top : {"0", "-1", "x", "1x"}) EXPECT_THAT(error("top", top), HasSubstr("'top'"));
  for (const char* interval : {"0", "-1", "nan", "1s", "1e9"})
    EXPECT_THAT(error("interval", interval), HasSubstr("'interval'"));
}

// ---- Nested calls: event by event, as the pipeline sends them

wc_call open_call(uint64_t id, const char* function, uint32_t depth) {
  wc_call event = call_event(id, function, "", depth);
  event.ts = 1000 * id;
  return event;
}

wc_return close_call(uint64_t id, const char* function, uint64_t ns) {
  wc_return event = return_event(id, function, "0");
  event.ts = 1000 * id + ns;
  event.dur = ns;
  return event;
}

wc_syscall inside(uint64_t call, const char* function, const char* name, uint32_t nr, uint64_t ns,
                  int32_t error = 0) {
  wc_syscall event = syscall_of(function, name, nr, ns, error);
  event.call = call;
  return event;
}

// walk calls itself twice; the innermost opens a file, which fails.
void send_recursion(TestHost& host) {
  host.send(open_call(1, "walk", 0));
  host.send(open_call(2, "walk", 1));
  host.send(open_call(3, "fopen", 2));
  host.send(inside(3, "fopen", "openat", 257, 100, 2));
  host.send(close_call(3, "fopen", 200));
  host.send(inside(2, "walk", "close", 3, 50));
  host.send(close_call(2, "walk", 400));
  host.send(close_call(1, "walk", 1000));
}

json row_of(const json& rows, const char* key, const std::string& name) {
  for (const json& row : rows)
    if (row[key] == name) return row;
  return {};
}

TEST(SummaryTest, RecursionCountsASyscallAndTheTimeOnce) {
  TestHost host(summary_backend(), {{"format", "json"}});
  send_recursion(host);
  const json parsed = report(host);
  const json walk = row_of(parsed["functions"], "function", "walk");
  expect_members(walk, json::parse(R"({"calls":2,"syscalls":2,"own":1,"errors":1,"ns":1000,
      "syscall_ns":150,"max_ns":1000,"measured":2})"));
  expect_members(row_of(walk["by_syscall"], "name", "openat"),
                 json::parse(R"({"count":1,"own":0,"errors":1})"));
  expect_members(row_of(parsed["functions"], "function", "fopen"),
                 json::parse(R"({"calls":1,"syscalls":1,"own":1,"ns":200})"));
  expect_members(parsed["total"],
                 json::parse(R"({"calls":3,"syscalls":2,"errors":1,"syscall_ns":150,"ns":1000})"));
}

// The totals of a function that calls itself contain the inner calls' time twice.
TEST(SummaryTest, TotalsAddOnlyWhatWasNotSeen) {
  TestHost host(summary_backend(), {{"format", "json"}});
  send_recursion(host);
  host.send(totals(kPid, "walk", 5, 1400 + 33));  // three calls more, without syscalls
  const json parsed = report(host);
  expect_members(row_of(parsed["functions"], "function", "walk"),
                 json::parse(R"({"calls":5,"ns":1033,"measured":2})"));
}

TEST(SummaryTest, CallsThatAreOpenAtTheEndCountUntilThen) {
  TestHost host(summary_backend(), {{"format", "json"}});
  host.send(open_call(1, "sleep", 0));
  host.send(inside(1, "sleep", "clock_nanosleep", 230, 100));
  const json row = only_function(host);
  EXPECT_EQ(row["calls"], 1);
  EXPECT_GT(row["ns"], 0);
}

TEST(SummaryTest, LostReturnsDoNotNestCallsForEver) {
  TestHost host(summary_backend(), {{"format", "json"}});
  for (uint64_t id = 1; id <= 3; ++id) {
    host.send(open_call(id, "first", 0));
    host.send(inside(id, "first", "read", 0, 10));
  }
  host.send(open_call(4, "second", 0));
  host.send(inside(4, "second", "read", 0, 10));
  host.send(close_call(4, "second", 20));
  const json parsed = report(host);
  expect_members(row_of(parsed["functions"], "function", "first"),
                 json::parse(R"({"syscalls":3})"));
  EXPECT_EQ(parsed["total"]["syscalls"], 4);
}

// A backend that joins late knows of these calls only by the syscall's chain.
TEST(SummaryTest, UnknownCallsCountByTheirNames) {
  TestHost host(summary_backend(), {{"format", "json"}});
  const char* chain[] = {"fopen", "malloc"};
  wc_syscall event = inside(99, "malloc", "brk", 12, 10);
  event.chain = chain;
  event.chain_length = 2;
  host.send(event);
  host.send(close_call(99, "malloc", 20));
  host.send(totals(kPid, "fopen", 7, 700));
  const json parsed = report(host);
  expect_members(row_of(parsed["functions"], "function", "fopen"),
                 json::parse(R"({"calls":7,"syscalls":1,"own":0,"library":"libc.so.6"})"));
  expect_members(row_of(parsed["functions"], "function", "malloc"), json::parse(R"({"own":1})"));
}

TEST(SummaryTest, FunctionsOfOneNameAreToldApart) {
  TestHost host(summary_backend());
  wc_call other = open_call(2, "init", 0);
  other.library = "libother.so";
  host.send(open_call(1, "init", 0));
  host.send(inside(1, "init", "read", 0, 10));
  host.send(close_call(1, "init", 20));
  host.send(other);
  host.send(inside(2, "init", "read", 0, 10));
  host.send(close_call(2, "init", 20));
  host.close();
  const std::string text = host.take();
  EXPECT_THAT(text, HasSubstr("init@libc.so.6"));
  EXPECT_THAT(text, HasSubstr("init@libother.so"));
}

// ---- Other rows

wc_call call_from(uint64_t id, const char* function, const char* symbol, uint32_t line) {
  wc_call event = open_call(id, function, 0);
  event.caller = {.address = 1,
                  .object = "/bin/prog",
                  .symbol = symbol,
                  .offset = 0x40,
                  .file = line != 0 ? "/src/prog.c" : nullptr,
                  .line = line};
  return event;
}

TEST(SummaryTest, ByCaller) {
  TestHost host(summary_backend(), {{"by", "caller"}, {"format", "json"}});
  host.send(call_from(1, "malloc", "main", 9));
  host.send(inside(1, "malloc", "brk", 12, 10));
  host.send(close_call(1, "malloc", 20));
  host.send(call_from(2, "fsync", "save", 0));
  host.send(inside(2, "fsync", "fsync", 74, 300, 5));
  host.send(close_call(2, "fsync", 400));
  const json callers = report(host)["callers"];
  expect_members(callers[0], json::parse(R"x({"caller":"save+0x40 (prog)","calls":1,"syscalls":1,
      "errors":1,"ns":400})x"));
  EXPECT_EQ(callers[0]["by_function"][0]["name"], "fsync");
  EXPECT_EQ(callers[1]["caller"], "main at prog.c:9");
}

// With -k: libraries without symbols, and interpreters, say nothing to whoever asks.
TEST(SummaryTest, ByCallerWithStacks) {
  const auto caller = [](std::vector<wc_stack_frame> frames) {
    TestHost host(summary_backend(), {{"by", "caller"}, {"format", "json"}}, {.stack_trace = 1});
    wc_call event = call_from(1, "fsync", "evaluate", 0);
    event.frames = frames.data();
    event.frame_count = static_cast<uint32_t>(frames.size());
    host.send(event);
    host.send(inside(1, "fsync", "fsync", 74, 10));
    host.send(close_call(1, "fsync", 20));
    return report(host)["callers"][0]["caller"].get<std::string>();
  };
  const wc_stack_frame nameless{.at = {.address = 1, .object = "/lib/libdb.so", .offset = 8}};
  wc_stack_frame named = nameless;
  named.at.symbol = "commit";
  const wc_stack_frame python{.at = {.symbol = "save", .file = "/srv/shop.py", .line = 12}};
  EXPECT_EQ(caller({nameless, named}), "commit+0x8 (libdb.so)");
  EXPECT_EQ(caller({nameless, named, python}), "save at shop.py:12");
  EXPECT_EQ(caller({nameless}), "evaluate+0x40 (prog)");
}

TEST(SummaryTest, BySyscallThreadAndPath) {
  const auto rows = [](const char* by, const char* array) {
    TestHost host(summary_backend(), {{"by", by}, {"format", "json"}});
    wc_process start = process_event(WC_PROCESS_START);
    start.path = "/bin/prog";
    host.send(start);
    host.send(open_call(1, "fopen", 0));
    wc_syscall event = inside(1, "fopen", "openat", 257, 70, 2);
    event.path = "etc/hosts";
    event.fd_path = "/srv";
    host.send(event);
    host.send(close_call(1, "fopen", 100));
    host.send(syscall_of(nullptr, "brk", 12, 7));
    const json parsed = report(host);
    EXPECT_EQ(parsed["total"]["syscalls"], 2) << by;
    return parsed[array];
  };
  const json syscalls = rows("syscall", "syscalls");
  expect_members(syscalls[0],
                 json::parse(R"({"syscall":"openat","nr":257,"syscalls":1,"errors":1,"ns":70})"));
  EXPECT_EQ(syscalls[0]["by_function"][0]["name"], "fopen");
  EXPECT_EQ(syscalls[1]["by_function"][0]["name"], "(outside)");
  const json threads = rows("thread", "threads");
  ASSERT_EQ(threads.size(), 1U);
  expect_members(threads[0], json::parse(R"x({"thread":"4312 (prog)","calls":1,"syscalls":2,"ns":107
})x"));
  const json paths = rows("path", "paths");
  EXPECT_EQ(paths[0]["path"], "/srv/etc/hosts");
  EXPECT_EQ(paths[0]["by_syscall"][0]["name"], "openat");
  EXPECT_EQ(paths[1]["path"], "(no path)");
}

TEST(SummaryTest, AsksOnlyForWhatItsRowsNeed) {
  const auto further = [](const char* by, uint32_t all_calls) {
    static uint32_t asked;
    asked = 0;
    wc_host settings{.all_calls = all_calls};
    settings.want = [](void*, uint32_t wants) { asked = wants; };
    const TestHost host(summary_backend(), {{"by", by}}, settings);
    return asked;
  };
  EXPECT_EQ(further("function", 1), WC_WANT_PHASES);
  EXPECT_EQ(further("syscall", 1), 0U);
  EXPECT_EQ(further("caller", 0), WC_WANT_PHASES | WC_WANT_CALLER);
  EXPECT_EQ(further("caller", 1), WC_WANT_PHASES | WC_WANT_CALLER | WC_WANT_ALL_CALLS);
  EXPECT_EQ(further("thread", 1), uint32_t{WC_WANT_ALL_CALLS});
  EXPECT_EQ(further("path", 0), uint32_t{WC_WANT_TEXT} | WC_WANT_PATHS);
}

// ---- Phases

void send_phase(TestHost& host, const char* name, uint64_t ts, const char* library = nullptr) {
  wc_process event = process_event(WC_PROCESS_PHASE);
  event.ts = ts;
  event.text = name;
  event.path = library;
  host.send(event);
}

wc_syscall at(uint64_t ts, const char* name, uint32_t nr, const char* path = nullptr) {
  wc_syscall event = syscall_of(nullptr, name, nr, 10);
  event.ts = ts;
  event.path = path;
  return event;
}

void send_start(TestHost& host) {
  wc_process start = process_event(WC_PROCESS_START);
  start.ts = 1000;
  host.send(start);
  send_phase(host, "loader", 1100);
  host.send(at(1110, "openat", 257, "/lib/liba.so"));
  host.send(at(1130, "close", 3));  // liba: until 1140
  wc_syscall missing = at(1150, "openat", 257, "/opt/libb.so");
  missing.error = 2;
  host.send(missing);
  host.send(at(1170, "openat", 257, "/lib/libb.so"));
  host.send(at(1190, "close", 3));  // libb: until 1200
  send_phase(host, "constructors", 1500);
  send_phase(host, "constructors", 1510, "/lib/libb.so");
  host.send(at(1520, "read", 0));
  send_phase(host, "constructors", 1600, "/lib/liba.so");
  send_phase(host, "before main", 1700);
  send_phase(host, "main", 1750);
  host.send(open_call(2, "puts", 0));  // at 2000
  host.send(close_call(2, "puts", 500));
  send_phase(host, "exit", 4000);
  wc_process exit = process_event(WC_PROCESS_EXIT);
  exit.ts = 4100;
  host.send(exit);
}

TEST(SummaryTest, TimeOutsideOfCallsIsSplitIntoPhases) {
  TestHost host(summary_backend(), {{"format", "json"}});
  send_start(host);
  const json parsed = report(host);
  const json& phases = parsed["outside"]["phases"];
  std::vector<std::pair<std::string, int>> found;
  for (const json& phase : phases) found.emplace_back(phase["phase"], phase["ns"]);
  EXPECT_THAT(found, ElementsAre(std::pair("loader", 400), std::pair("constructors", 200),
                                 std::pair("before main", 50), std::pair("main", 2250 - 500),
                                 std::pair("exit", 100)));
  EXPECT_EQ(parsed["total"]["lived_ns"], 3000) << "not what went by before the program began";
  const json& loader = phases[0]["by_library"];
  expect_members(row_of(loader, "name", "liba.so"), json::parse(R"({"ns":40,"count":2})"));
  expect_members(row_of(loader, "name", "libb.so"),
                 json::parse(R"({"ns":60,"count":3,"errors":1})"));
  expect_members(row_of(loader, "name", "relocation"), json::parse(R"({"ns":300,"count":0})"));
  const json& constructors = phases[1]["by_library"];
  expect_members(row_of(constructors, "name", "libb.so"), json::parse(R"({"ns":90,"count":1})"));
  expect_members(row_of(constructors, "name", "liba.so"), json::parse(R"({"ns":100,"count":0})"));
}

TEST(SummaryTest, ThreadsLiveAtTheSameTime) {
  TestHost host(summary_backend(), {{"format", "json"}});
  wc_process start = process_event(WC_PROCESS_START);
  start.ts = 1000;
  host.send(start);
  wc_process fork = process_event(WC_PROCESS_FORK);
  fork.ts = 2000;
  fork.child = kPid + 1;
  fork.thread = 1;
  host.send(fork);
  wc_process exit = process_event(WC_PROCESS_EXIT);
  exit.ts = 5000;
  exit.tid = kPid + 1;
  exit.thread = 1;
  host.send(exit);
  exit = process_event(WC_PROCESS_EXIT);
  exit.ts = 6000;
  host.send(exit);
  EXPECT_EQ(report(host)["total"]["lived_ns"], 5000 + 3000);
}

TEST(NoneTest, AsksForNothing) {
  EXPECT_EQ(none_backend()->wants, 0U);
  EXPECT_EQ(none_backend()->call, nullptr);
  EXPECT_EQ(none_backend()->syscall_exit, nullptr);
}

TEST(BuiltinTest, EveryListedNameIsFound) {
  for (const std::string_view name : builtin_names()) {
    ASSERT_NE(find_builtin(name), nullptr) << name;
    EXPECT_EQ(find_builtin(name)->name, name);
  }
  EXPECT_EQ(find_builtin("tex"), nullptr);
  EXPECT_EQ(find_builtin(""), nullptr);
}

}  // namespace
}  // namespace wc::backends
