// How many events a tool's trace holds, by the lines that each tool writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare/trace_count.h"
#include "temporary_folder.h"

namespace wc::compare {
namespace {

using testing::ElementsAre;

class TraceCounts : public testing::Test {
 protected:
  TraceCount count(const std::string& trace, TraceFormat format) {
    return count_trace(folder_.write("trace", trace), format);
  }
  static void expect(const TraceCount& count, unsigned long events, unsigned long attributed) {
    EXPECT_EQ(count.seen.events, events);
    EXPECT_EQ(count.seen.attributed, attributed);
  }
  TemporaryFolder folder_;
};

TEST_F(TraceCounts, OurJson) {
  const TraceCount seen = count(
      R"x({"type":"call","call":1,"function":"fopen","library":"libc.so.6","args":[]}
{"type":"syscall","call":1,"function":"fopen","name":"openat","nr":257,"text":"openat(\"\\\"function\\\":\\\"x\\\"\")"}
{"type":"call","call":2,"function":"SSL_read","library":"libssl.so.3"}
{"type":"syscall","call":2,"function":"SSL_read","name":"read","nr":0}
{"type":"syscall","name":"brk","nr":12}
{"type":"return","call":1}
)x",
      TraceFormat::OwnJson);
  expect(seen, 3, 2);
  EXPECT_THAT(seen.syscalls, ElementsAre("brk", "openat", "read"));
  EXPECT_THAT(seen.functions, ElementsAre("fopen"));
}

TEST_F(TraceCounts, Strace) {
  expect(count("12 execve(\"/bin/x\", [\"x\"], 0x7f) = 0\n"
               "12 read(0,  <unfinished ...>\n"
               "13 close(3) = 0\n"
               "12 <... read resumed>\"\", 1) = 0\n"
               "12 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
               "strace: a word of its own (here)\n"
               "13 +++ exited with 0 +++\n",
               TraceFormat::Strace),
         3, 0);
}

TEST_F(TraceCounts, StraceWithStacks) {
  expect(count("12 brk(NULL) = 0x55\n"
               " > /usr/lib/ld-linux-x86-64.so.2(_dl_catch_error+0x77c7) [0x1fc47]\n"
               "12 write(1, \"> (x)\", 5) = 5\n"
               " > /usr/lib/libc.so.6(__write+0x13) [0xf7a90]\n"
               " > /usr/lib/libc.so.6(puts+0x1) [0x1]\n"
               "12 close(3) = 0\n"
               " > /usr/bin/x() [0x12]\n",
               TraceFormat::StraceStacks),
         3, 2);
}

TEST_F(TraceCounts, LtraceAttributesWhatIsInsideACall) {
  expect(count("7 SYS_brk(0) = 0x55\n"
               "7 setlocale(LC_ALL, \"\" <unfinished ...>\n"
               "7 SYS_openat(0xff, 0x7f, 0, 0) = 3\n"
               "8 SYS_close(3) = 0\n"
               "7 <... setlocale resumed> ) = \"C\"\n"
               "7 SYS_exit_group(0 <no return ...>\n"
               "7 puts(\"SYS_\") = 1\n",
               TraceFormat::Ltrace),
         4, 1);
}

TEST_F(TraceCounts, PerfTrace) {
  expect(count("         ? (         ): ls/19588  ... [continued]: execve())  = 0\n"
               "     0.046 ( 0.012 ms): ls/19588 brk()  = 0x55cab3bac000\n"
               "     0.393 ( 0.014 ms): ls/19588 mmap(len: 8192)  = 0x7f5b7b400000\n",
               TraceFormat::PerfTrace),
         2, 0);
}

TEST_F(TraceCounts, Bpftrace) {
  expect(count("Attaching 9 probes...\n21391 uprobe:/lib/libc.so.6:opendir 257\n"
               "21391 uprobe:/lib/libc.so.6:write 1\n\n",
               TraceFormat::Bpftrace),
         2, 2);
}

TEST_F(TraceCounts, NothingOfNoFile) {
  expect(count_trace(folder_ / "none", TraceFormat::Strace), 0, 0);
}

}  // namespace
}  // namespace wc::compare
