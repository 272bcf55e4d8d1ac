// The summary as text and as comma-separated values: what stands where, and how wide it is.
#include <gmock/gmock.h>

#include <algorithm>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using testing::AllOf;
using testing::Contains;

using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr size_t kWidth = 80;

wc_syscall syscall_in(uint64_t call, const char* function, const char* name, uint32_t nr,
                      uint64_t ns) {
  return {.dur = ns,
          .pid = kPid,
          .tid = kPid,
          .call = call,
          .function = function,
          .nr = nr,
          .name = name};
}

// One call that lasts `ns` with one syscall of half of that.
void send_call(TestHost& host, uint64_t id, const char* function, uint64_t ns) {
  host.send(call_event(id, function, ""));
  host.send(syscall_in(id, function, "write", 1, ns / 2));
  wc_return end = return_event(id, function, "0");
  end.dur = ns;
  host.send(end);
}

void send_totals(TestHost& host, const char* function, uint64_t calls, uint64_t ns) {
  host.send(wc_totals{
      .pid = kPid, .function = function, .library = "libc.so.6", .calls = calls, .ns = ns});
}

std::vector<std::string> lines_of(TestHost& host) {
  host.close();
  return host.take_lines();
}

TEST(SummaryTableTest, OnlyAtTheEnd) {
  TestHost host(summary_backend());
  send_call(host, 1, "puts", 1'200'000);
  EXPECT_THAT(host.take(), IsEmpty());
  const auto lines = lines_of(host);
  ASSERT_GE(lines.size(), 7U);
  EXPECT_THAT(lines[0], MatchesRegex(" +syscalls"));
  EXPECT_THAT(lines[1],
              MatchesRegex("calls all own errors +total +% +avg +p50 +p99 +max  function"));
  EXPECT_THAT(lines[2], MatchesRegex("[- ]+"));
  EXPECT_THAT(lines[3],
              MatchesRegex(" +1 +1 +1 +1\\.2 ms .* 1\\.2 ms 1\\.2 ms 1\\.2 ms 1\\.2 ms  puts"));
  EXPECT_THAT(lines[4], MatchesRegex(" +1 +1 +600 us .*600 us 600 us 600 us 600 us    write"));
  EXPECT_THAT(lines[5], MatchesRegex("[- ]+"));
  EXPECT_THAT(lines[6], MatchesRegex(" +1 +1 +1 +1\\.2 ms .*  total"));
}

TEST(SummaryTableTest, RowsWithoutASyscallOnlyWithAllCalls) {
  for (const uint32_t all_calls : {0U, 1U}) {
    TestHost host(summary_backend(), {}, {.all_calls = all_calls});
    send_call(host, 1, "puts", 1000);
    send_totals(host, "strlen", 40, 4000);
    host.close();
    const std::string text = host.take();
    EXPECT_EQ(text.find("strlen") != std::string::npos, all_calls == 1) << text;
    EXPECT_EQ(
        text.find("1 function (40 calls) made no system call; -a shows them") != std::string::npos,
        all_calls == 0)
        << text;
    EXPECT_THAT(text, HasSubstr("   41   1   1")) << "the total knows all calls";
  }
}

// Single durations are those of the calls that were seen; the average is of all.
TEST(SummaryTableTest, SaysWhereDurationsAreNotKnown) {
  TestHost host(summary_backend());
  send_call(host, 1, "malloc", 1'000'000);
  send_totals(host, "malloc", 100, 2'000'000);
  host.close();
  const std::string text = host.take();
  EXPECT_THAT(text, HasSubstr("malloc *\n"));
  EXPECT_THAT(text, HasSubstr("  20 us 1.0 ms 1.0 ms 1.0 ms  malloc *\n"));
  EXPECT_THAT(text, HasSubstr("* p50, p99, max: of the calls that made a system call"));
}

TEST(SummaryTableTest, NeverWiderThanTheScreen) {
  TestHost host(summary_backend(), {{"histogram", "on"}});
  const std::string wide(300, 'x');
  send_call(host, 1, (wide + "_end").c_str(), UINT64_MAX / 4);
  send_call(host, 2, "std::vector<std::basic_string<char>>::push_back", 7);
  for (uint64_t id = 3; id < 200'000; ++id) send_call(host, id, "write", id * 1'000'000);
  send_totals(host, "write", UINT64_MAX / 2, UINT64_MAX / 2);
  const auto lines = lines_of(host);
  for (const std::string& line : lines) EXPECT_LE(line.size(), kWidth) << line;
  EXPECT_THAT(lines,
              Contains(AllOf(StartsWith("xxx"), HasSubstr("..."), testing::EndsWith("_end"))));
  EXPECT_THAT(lines, Contains("std::vector<std::basic_string<char>>::push_back"));
}

TEST(SummaryTableTest, TopAndSort) {
  TestHost host(summary_backend(), {{"top", "2"}, {"sort", "max"}});
  send_call(host, 1, "quick", 10);
  send_call(host, 2, "slowest", 9'000'000);
  for (uint64_t id = 3; id < 20; ++id) send_call(host, id, "often", 1'000'000);
  host.close();
  const std::string text = host.take();
  EXPECT_LT(text.find("slowest"), text.find("often"));
  EXPECT_THAT(text, Not(HasSubstr("quick")));
  EXPECT_THAT(text, HasSubstr("1 more row is not shown (top)"));
  EXPECT_THAT(text, HasSubstr("   19  19  19")) << "the total is of all rows";
}

TEST(SummaryTableTest, ManyPartsAreSummedUp) {
  const auto parts = [](uint32_t all_calls) {
    TestHost host(summary_backend(), {}, {.all_calls = all_calls});
    host.send(call_event(1, "syscall", ""));
    std::vector<std::string> names;
    for (uint32_t nr = 0; nr < 20; ++nr) names.push_back("call_" + std::to_string(nr));
    for (uint32_t nr = 0; nr < 20; ++nr)
      host.send(syscall_in(1, "syscall", names[nr].c_str(), nr, 1000 - nr));
    host.send(return_event(1, "syscall", "0"));
    const auto lines = lines_of(host);
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("    call_") != std::string::npos ||
             line.find(" others") != std::string::npos;
    });
  };
  EXPECT_EQ(parts(0), 6);
  EXPECT_EQ(parts(1), 20);
}

TEST(SummaryTableTest, Histogram) {
  TestHost host(summary_backend(), {{"histogram", "on"}});
  for (uint64_t id = 1; id <= 10; ++id) send_call(host, id, "write", id == 1 ? 3'000 : 20'000);
  const auto lines = lines_of(host);
  EXPECT_THAT(lines, Contains(MatchesRegex(" +2\\.0 us \\.\\. \\|#### +\\| 1")));
  EXPECT_THAT(lines, Contains(MatchesRegex(" +4\\.1 us \\.\\. \\| +\\| 0")));
  EXPECT_THAT(lines, Contains(MatchesRegex(" +16 us \\.\\. \\|#{30}\\| 9")));
}

TEST(SummaryTableTest, Intervals) {
  TestHost host(summary_backend(), {{"interval", "2"}});
  send_call(host, 1, "first", 1000);
  host.flush(1);  // long before now
  EXPECT_THAT(host.take(), IsEmpty());
  host.flush(UINT64_MAX / 2);
  std::string text = host.take();
  EXPECT_THAT(text, AllOf(StartsWith("the last "), HasSubstr("  first\n")));
  send_call(host, 2, "second", 1000);
  host.flush(UINT64_MAX / 2 + 1'999'999'999);
  EXPECT_THAT(host.take(), IsEmpty());
  host.flush(UINT64_MAX / 2 + 2'000'000'000);
  text = host.take();
  EXPECT_THAT(text,
              AllOf(HasSubstr("the last 2.0 s"), HasSubstr("  second\n"), Not(HasSubstr("first"))));
  host.close();
  EXPECT_THAT(host.take(),
              AllOf(HasSubstr("all together"), HasSubstr("first"), HasSubstr("second")));
}

// Totals of processes that live come again at their end, and must not be added up.
TEST(SummaryTableTest, Snapshots) {
  TestHost host(summary_backend());
  send_call(host, 1, "puts", 1000);
  const wc_totals so_far{.pid = kPid,
                         .flags = WC_TOTALS_SO_FAR,
                         .function = "puts",
                         .library = "libc.so.6",
                         .calls = 30,
                         .ns = 30'000};
  for (int i = 0; i < 2; ++i) {
    host.send(so_far);
    host.snapshot(2'000'000);
    EXPECT_THAT(host.take(), AllOf(StartsWith("until now"), HasSubstr("   30   1   1")));
  }
  send_totals(host, "puts", 40, 40'000);
  host.close();
  EXPECT_THAT(host.take(), HasSubstr("   40   1   1"));
}

TEST(SummaryTableTest, Csv) {
  TestHost host(summary_backend(), {{"format", "csv"}});
  send_call(host, 1, "operator,\"new\"", 1000);
  const auto lines = lines_of(host);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0],
            "function,part,calls,syscalls,own,errors,ns,percent,avg_ns,p50_ns,p99_ns,max_ns");
  EXPECT_THAT(lines[1], StartsWith("\"operator,\"\"new\"\"\",,1,1,1,0,1000,"));
  EXPECT_THAT(lines[1], testing::EndsWith(",1000,1000,1000,1000"));
  EXPECT_THAT(lines[2], StartsWith("\"operator,\"\"new\"\"\",write,0,1,1,0,500,"));
  EXPECT_THAT(lines[3], StartsWith("total,,1,1,1,0,1000,"));
}

}  // namespace
}  // namespace wc::backends
