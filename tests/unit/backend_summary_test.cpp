#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
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

TEST(SummaryTest, TableAtCloseOnly) {
  TestHost host(summary_backend());
  send_example(host);
  EXPECT_THAT(host.take(), IsEmpty());
  host.close();
  const auto lines = host.take_lines();
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_THAT(lines[0], MatchesRegex(" +calls +syscalls +per call +errors .*function"));
  EXPECT_THAT(lines[1], MatchesRegex("[- ]+"));
  EXPECT_THAT(lines[2], MatchesRegex(" +2 +3 +1\\.50 +1 +0\\.000123 +0\\.000070  fopen"));
  EXPECT_THAT(lines[3], MatchesRegex(" +1 +0\\.50 +0\\.000050    newfstatat"));
  EXPECT_THAT(lines[4], MatchesRegex(" +2 +1\\.00 +1 +0\\.000020    openat"));
  EXPECT_THAT(lines[5], MatchesRegex(" +1000 +1 +0\\.00 +0\\.000090 +0\\.000005  puts"));
  EXPECT_THAT(lines[6], MatchesRegex(" +1 +0\\.00 +0\\.000005    write"));
  EXPECT_THAT(lines[7], MatchesRegex(" +1 +0\\.000007  \\(outside\\)"));
  EXPECT_THAT(lines[8], MatchesRegex(" +1 +0\\.000007    brk"));
  EXPECT_THAT(lines[10], MatchesRegex(" +1002 +5 +1 +0\\.000082  total"));
}

std::vector<std::string> order(const char* sort) {
  TestHost host(summary_backend(), {{"sort", sort}, {"format", "json"}});
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
  EXPECT_THAT(order("name"), ElementsAre("abs", "fopen", "puts"));
}

TEST(SummaryTest, Json) {
  TestHost host(summary_backend(), {{"format", "json"}});
  send_example(host);
  host.send(wc_lost{.pid = kPid, .count = 3});
  host.close();
  const json parsed = json::parse(host.take());
  EXPECT_EQ(parsed["functions"][0], json::parse(R"({"function":"fopen","library":"libc.so.6",
      "calls":2,"syscalls":3,"errors":1,"ns":123000,"syscall_ns":70000,"by_syscall":[
      {"name":"newfstatat","nr":262,"count":1,"errors":0,"ns":50000},
      {"name":"openat","nr":257,"count":2,"errors":1,"ns":20000}]})"));
  EXPECT_EQ(parsed["functions"].size(), 2U) << "a function that was never called is left out";
  EXPECT_EQ(parsed["outside"], json::parse(R"({"syscalls":1,"errors":0,"syscall_ns":7000,
      "by_syscall":[{"name":"brk","nr":12,"count":1,"errors":0,"ns":7000}]})"));
  EXPECT_EQ(parsed["total"],
            json::parse(R"({"calls":1002,"syscalls":5,"errors":1,"syscall_ns":82000})"));
  EXPECT_EQ(parsed["lost"], 3);
}

json only_function(TestHost& host) {
  host.close();
  return json::parse(host.take())["functions"][0];
}

// A process that is killed hands over no totals: its events are what there is.
TEST(SummaryTest, ProcessWithoutTotalsCountsByEvents) {
  TestHost host(summary_backend(), {{"format", "json"}});
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
  EXPECT_EQ(row["ns"], 1000);
}

TEST(SummaryTest, EndOfAThreadIsNotTheEndOfItsProcess) {
  TestHost host(summary_backend(), {{"format", "json"}});
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
  TestHost host(summary_backend());
  host.send(totals(kPid, "\033[2J", 1, 1));
  host.send(wc_lost{.pid = kPid, .count = 3});
  host.close();
  const std::string text = host.take();
  EXPECT_THAT(text, HasSubstr("3 events were lost"));
  EXPECT_THAT(text, HasSubstr("\\33[2J"));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
}

TEST(SummaryTest, RefusesUnknownValues) {
  EXPECT_THAT(TestHost(summary_backend(), {{"sort", "size"}}).error(),
              HasSubstr("time, calls, syscalls or name"));
  EXPECT_THAT(TestHost(summary_backend(), {{"format", "xml"}}).error(), HasSubstr("table or json"));
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
