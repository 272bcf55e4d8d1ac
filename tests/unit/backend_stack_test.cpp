// Stacks in the output of the built-in backends, and the folded one.
#include <gmock/gmock.h>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

wc_stack_frame frame(const char* object, const char* symbol, uint64_t offset,
                     const char* file = nullptr, uint32_t line = 0) {
  return {.at = {.address = 0x7000 + offset,
                 .object = object,
                 .symbol = symbol,
                 .offset = offset,
                 .file = file,
                 .line = line},
          .object_offset = 0x100 + offset};
}

const wc_stack_frame kStack[] = {frame("/lib/libc.so.6", "write", 0x10),
                                 frame("/bin/prog", "work(int)", 0x20, "work.cpp", 7),
                                 frame("/bin/prog", nullptr, 0x30), frame(nullptr, nullptr, 0x40)};

template <typename Event>
Event with_stack(Event event, std::span<const wc_stack_frame> frames) {
  event.frames = frames.data();
  event.frame_count = static_cast<uint32_t>(frames.size());
  return event;
}

std::span<const wc_stack_frame> callers() { return std::span(kStack).subspan(1); }

TEST(TextStack, FollowsItsLineWithoutPrefix) {
  TestHost host(text_backend(), {{"merge", "off"}}, {.time_format = 3, .stack_trace = 1});
  host.send(with_stack(call_event(1, "write", "1"), callers()));
  host.send(with_stack(syscall_event(1, "write", "1", "1"), kStack));
  host.send(return_event(1, "write", "1"));
  const auto lines = host.take_lines();
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_THAT(lines[0], HasSubstr("write(1) = 1"));
  EXPECT_EQ(lines[1], " > /bin/prog(work(int)+0x20) [0x120] work.cpp:7");
  EXPECT_EQ(lines[2], " > /bin/prog() [0x130]");
  EXPECT_EQ(lines[3], " > () [0x140]");
  EXPECT_EQ(lines[5], "   > /lib/libc.so.6(write+0x10) [0x110]");
}

TEST(TextStack, NamesAreEscaped) {
  TestHost host(text_backend(), {}, {.stack_trace = 1});
  const wc_stack_frame bad[] = {frame("/tmp/\x1b[2J", "a\nb", 1)};
  host.send(with_stack(syscall_event(0, "read", "", "0"), bad));
  for (const std::string& line : host.take_lines()) EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST(TextStack, NotShownWhenOnlyAnotherBackendWantsIt) {
  TestHost host(text_backend());
  host.send(with_stack(syscall_event(0, "read", "", "0"), kStack));
  EXPECT_THAT(host.take_lines(), testing::SizeIs(1));
}

TEST(JsonStack, ASignalHasOne) {
  wc_process event = process_event(WC_PROCESS_SIGNAL);
  event.signal = 11;
  event = with_stack(event, std::span(kStack).first(1));
  TestHost host(json_backend(), {}, {.stack_trace = 1});
  host.send(event);
  EXPECT_THAT(host.take(), HasSubstr(R"x("signal":"SIGSEGV","stack":[{"object":)x"));
  TestHost without(json_backend());
  without.send(event);
  EXPECT_THAT(without.take(), HasSubstr(R"x("signal":"SIGSEGV"})x"));
}

TEST(JsonStack, IsAnArray) {
  TestHost host(json_backend(), {}, {.stack_trace = 1});
  host.send(with_stack(syscall_event(0, "read", "", "0"), std::span(kStack).first(2)));
  EXPECT_THAT(host.take(), HasSubstr(R"x("stack":[{"object":"/lib/libc.so.6","symbol":"write",)x"
                                     R"x("offset":16,"address":"0x7010","object_offset":"0x110"},)x"
                                     R"x({"object":"/bin/prog","symbol":"work(int)","offset":32,)x"
                                     R"x("file":"work.cpp","line":7,"address":"0x7020",)x"
                                     R"x("object_offset":"0x120"}]})x"));
}

wc_process started(const char* path) {
  wc_process event = process_event(WC_PROCESS_START);
  event.path = path;
  return event;
}

TEST(Folded, CallersFunctionSyscall) {
  TestHost host(folded_backend());
  host.send(started("/bin/prog"));
  for (uint64_t id : {1, 2}) {
    host.send(with_stack(call_event(id, "fwrite", ""), callers()));
    host.send(with_stack(syscall_event(id, "write", "", "1"), kStack));
    host.send(return_event(id, "fwrite", "1"));
  }
  EXPECT_THAT(host.take(), IsEmpty()) << "sums are known at the end";
  host.close();
  EXPECT_THAT(host.take_lines(), ElementsAre("prog;[unknown];[prog];work;fwrite;write 2"));
}

TEST(Folded, AllFramesAndTime) {
  TestHost host(folded_backend(), {{"frames", "all"}, {"weight", "time"}});
  host.send(started("/bin/prog"));
  host.send(with_stack(call_event(1, "fwrite", ""), callers()));
  host.send(with_stack(syscall_event(1, "write", "", "1"), kStack));
  host.close();
  EXPECT_THAT(host.take_lines(), ElementsAre("prog;[unknown];[prog];work;write;write 42000"));
}

TEST(Folded, OutsideOfCallsAndOfUnknownProcesses) {
  TestHost host(folded_backend());
  host.send(with_stack(syscall_event(0, "read", "", "0"), std::span(kStack).first(1)));
  host.send(syscall_event(77, "read", "", "0"));
  host.close();
  EXPECT_THAT(host.take_lines(), ElementsAre("?;read 1", "?;write;read 1"));
}

TEST(Folded, ChildrenHaveTheirParentsNameUntilTheyExec) {
  TestHost host(folded_backend());
  host.send(started("/bin/sh"));
  wc_process fork = process_event(WC_PROCESS_FORK);
  fork.child = kPid + 1;
  host.send(fork);
  auto in_child = [](auto event) {
    event.pid = kPid + 1;
    return event;
  };
  host.send(in_child(syscall_event(0, "close", "", "0")));
  wc_process exec = in_child(process_event(WC_PROCESS_EXEC));
  exec.path = "/bin/ls";
  host.send(exec);
  host.send(in_child(syscall_event(0, "close", "", "0")));
  host.close();
  EXPECT_THAT(host.take_lines(), ElementsAre("ls;close 1", "sh;close 1"));
}

TEST(Folded, NamesCannotBreakTheFormat) {
  TestHost host(folded_backend());
  const wc_stack_frame bad[] = {frame("x", "a;b\nc 7", 1)};
  host.send(started("/tmp/p;q\n"));
  host.send(with_stack(syscall_event(0, "read", "", "0"), bad));
  host.close();
  const auto lines = host.take_lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(std::count(lines[0].begin(), lines[0].end(), ';'), 2) << lines[0];
}

// A function is one frame of the graph, whether it was selected or has only led there.
TEST(Folded, FramesAreSpelledAsFunctionsAre) {
  TestHost host(folded_backend());
  const wc_stack_frame frames[] = {
      frame("x", "int ns::outer<int>(int (*)(char)) const", 1),
      frame("x", "main::{lambda(int)#1}::operator()(int) const", 1),
      frame("x", "(anonymous namespace)::hidden(char)", 1),
      frame("x", "<(u8, u8) as r::Sp>::speak", 1),
      frame("x", "main.(*T).Do", 1),
  };
  host.send(started("/bin/prog"));
  host.send(with_stack(syscall_event(0, "read", "", "0"), frames));
  host.close();
  EXPECT_THAT(host.take_lines(),
              ElementsAre("prog;main.(*T).Do;<(u8, u8) as r::Sp>::speak;(anonymous "
                          "namespace)::hidden;main::{lambda(int)#1}::operator();ns::outer<int>;"
                          "read 1"));
}

TEST(Folded, NamesAreEscapedOnce) {
  TestHost host(folded_backend());
  const wc_stack_frame nameless[] = {frame("/lib/n\xfe.so", nullptr, 1)};
  host.send(started("/tmp/n\xff\nl\\"));
  host.send(with_stack(syscall_event(0, "read", "", "0"), nameless));
  host.close();
  EXPECT_THAT(host.take_lines(), ElementsAre("n\\377\\nl\\\\;[n\\376.so];read 1"));
}

// A Python function has a source, and no address.
const wc_stack_frame kPython[] = {
    {.at = {.symbol = "Store.save", .file = "/srv/store.py", .line = 12}},
    {.at = {.symbol = "<module>", .file = "/srv/app/__main__.py", .line = 3}},
    {.at = {.symbol = "odd;\x1b", .file = "a\nb.py"}}};

TEST(PythonFunctions, InText) {
  TestHost host(text_backend(), {}, {.stack_trace = 1});
  host.send(with_stack(syscall_event(0, "read", "", "0"), kPython));
  const auto lines = host.take_lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1], " > /srv/store.py(Store.save) [python] store.py:12");
  EXPECT_EQ(lines[2], " > /srv/app/__main__.py(<module>) [python] app/__main__.py:3");
  EXPECT_EQ(lines[3], R"( > a\nb.py(odd;\33) [python] a\nb.py)");
}

TEST(PythonFunctions, InJson) {
  TestHost host(json_backend(), {}, {.stack_trace = 1});
  host.send(with_stack(syscall_event(0, "read", "", "0"), std::span(kPython).first(1)));
  EXPECT_THAT(host.take(), HasSubstr(R"x("stack":[{"symbol":"Store.save","file":"/srv/store.py",)x"
                                     R"x("line":12,"language":"python"}]})x"));
}

TEST(PythonFunctions, InFolded) {
  TestHost host(folded_backend());
  host.send(started("/usr/bin/python3"));
  host.send(with_stack(syscall_event(0, "read", "", "0"), kPython));
  host.close();
  EXPECT_THAT(host.take_lines(),
              ElementsAre(R"(python3;odd:\33 (a\nb.py);<module> (app/__main__.py:3);)"
                          "Store.save (store.py:12);read 1"));
}

TEST(Folded, UnknownOptionValuesAreRefused) {
  EXPECT_THAT(TestHost(folded_backend(), {{"weight", "mass"}}).error(), HasSubstr("weight"));
  EXPECT_THAT(TestHost(folded_backend(), {{"frames", "none"}}).error(), HasSubstr("frames"));
}

}  // namespace
}  // namespace wc::backends
