#include <gmock/gmock.h>

#include <bit>
#include <limits>
#include <nlohmann/json.hpp>

#include "backend_test_host.h"
#include "json_writer.h"

namespace wc::backends {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

class JsonTest : public testing::Test {
 protected:
  // The one line that `event` gives, byte by byte; also checked to be JSON.
  template <typename Event>
  std::string line(const Event& event) {
    host_.send(event);
    std::string text = host_.take();
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    text.pop_back();
    EXPECT_TRUE(json::accept(text)) << text;
    return text;
  }
  void SetUp() override {
    host_.flush(1);  // the line of the run
    host_.take();
  }
  template <typename Event>
  json parsed(const Event& event) {
    return json::parse(line(event));
  }
  TestHost host_{json_backend()};
};

TEST_F(JsonTest, CallHasTheKeysOfTheContractInOrder) {
  const wc_arg args[] = {
      {.type = WC_ARG_STRING, .length = 9, .value = 0x1000, .text = "hello %d\n"},
      {.type = WC_ARG_INT, .value = static_cast<uint64_t>(-3)},
      {.type = WC_ARG_UINT, .value = UINT64_MAX},
      {.type = WC_ARG_POINTER, .value = 0x55d0c0},
      {.type = WC_ARG_UNKNOWN},
      {.type = WC_ARG_STRING, .value = 0x10},
      {.type = WC_ARG_DOUBLE, .value = std::bit_cast<uint64_t>(-0.1)},
      {.type = WC_ARG_DOUBLE,
       .value = std::bit_cast<uint64_t>(std::numeric_limits<double>::infinity())}};
  wc_call call = call_event(7, "printf", "");
  call.parent = 3;
  call.depth = 1;
  call.args = args;
  call.nargs = 8;
  call.caller = {.address = 0x401040,
                 .object = "/tmp/hello",
                 .symbol = "main",
                 .offset = 64,
                 .file = "hello.c",
                 .line = 9};
  EXPECT_EQ(
      line(call),
      R"({"type":"call","ts":7000,"pid":4312,"tid":4312,"call":7,"parent":3,"depth":1,)"
      R"("function":"printf","library":"libc.so.6","args":["hello %d\n",-3,)"
      R"(18446744073709551615,"0x55d0c0",null,"0x10",-0.1,"inf"],"caller":{"object":"/tmp/hello",)"
      R"("symbol":"main","offset":64,"file":"hello.c","line":9}})");
}

TEST_F(JsonTest, OutermostCallHasNoParentAndUnknownCallerIsAbsent) {
  EXPECT_EQ(line(call_event(1, "f", "")),
            R"({"type":"call","ts":1000,"pid":4312,"tid":4312,"call":1,"depth":0,"function":"f",)"
            R"("library":"libc.so.6","args":[]})");
}

TEST_F(JsonTest, CallerWithoutSymbolHasOffsetIntoObject) {
  wc_call call = call_event(1, "f", "");
  call.caller = {.address = 5, .object = "/bin/x", .offset = 5};
  EXPECT_THAT(line(call), HasSubstr(R"("caller":{"object":"/bin/x","offset":5}})"));
}

TEST_F(JsonTest, SyscallHasTheKeysOfTheContractInOrder) {
  const wc_arg args[] = {{.type = WC_ARG_INT, .value = 1},
                         {.type = WC_ARG_POINTER, .value = 0x55d0},
                         {.type = WC_ARG_UINT, .value = 8}};
  const char* chain[] = {"fopen", "malloc"};
  wc_syscall event = syscall_event(7, "write", R"(1, "hello 3\n", 8)", "8");
  event.function = "printf";
  event.args = args;
  event.nargs = 3;
  event.ret = 8;
  event.chain = chain;
  event.chain_length = 1;
  EXPECT_EQ(line(event),
            R"({"type":"syscall","ts":7010,"dur":42000,"pid":4312,"tid":4312,"call":7,)"
            R"("function":"printf","name":"write","nr":1,"args":[1,"0x55d0",8],)"
            R"("text":"write(1, \"hello 3\\n\", 8) = 8","ret":8})");
  event.chain_length = 2;
  EXPECT_THAT(line(event),
              HasSubstr(R"("function":"printf","chain":["fopen","malloc"],"name":"write")"));
}

TEST_F(JsonTest, FailedSyscall) {
  wc_syscall event = syscall_event(1, "openat", "", "-1 ENOENT (No such file or directory)");
  event.function = "fopen";
  event.ret = -1;
  event.error = 2;
  event.error_name = "ENOENT";
  EXPECT_THAT(line(event), HasSubstr(R"(","ret":-1,"error":"ENOENT"})"));
  event.error = 4000;
  event.error_name = nullptr;
  EXPECT_THAT(line(event), HasSubstr(R"(,"error":"errno 4000"})"));
}

TEST_F(JsonTest, SyscallOutsideOfCallsHasNoCallAndNoFunction) {
  const json object = parsed(syscall_event(0, "brk", "NULL", "0x1000"));
  EXPECT_FALSE(object.contains("call"));
  EXPECT_FALSE(object.contains("function"));
  EXPECT_FALSE(object.contains("chain"));
}

TEST_F(JsonTest, SyscallWithoutResultAndInSignal) {
  wc_syscall event = syscall_event(0, "exit_group", "0", "garbage");
  event.flags = WC_SYSCALL_NO_RESULT;
  event.error = 5;
  json object = parsed(event);
  EXPECT_FALSE(object.contains("ret"));
  EXPECT_FALSE(object.contains("error"));
  EXPECT_FALSE(object.contains("signal"));
  EXPECT_EQ(object["text"], "exit_group(0) = ?");
  event.flags = WC_SYSCALL_IN_SIGNAL;
  EXPECT_THAT(line(event), testing::EndsWith(R"(,"signal":true})"));
}

TEST_F(JsonTest, Returns) {
  wc_return event = return_event(7, "f", "8");
  const wc_arg eight = {.type = WC_ARG_INT, .value = 8};
  event.ret = 8;
  event.value = &eight;
  EXPECT_EQ(line(event), R"({"type":"return","ts":7500,"dur":490,"pid":4312,"tid":4312,"call":7,)"
                         R"("ret":8})");
  const wc_arg pointer = {.type = WC_ARG_POINTER, .value = 0x55d0c0};
  event.value = &pointer;
  EXPECT_EQ(parsed(event)["ret"], "0x55d0c0");
  event.value = nullptr;
  event.ret = static_cast<uint64_t>(-1);
  EXPECT_EQ(parsed(event)["ret"], -1) << "a host that does not tell the type";
  event.ret_text = "";
  EXPECT_FALSE(parsed(event).contains("ret")) << "void";
  event.value = &eight;
  event.flags = WC_RETURN_UNWOUND;
  EXPECT_THAT(line(event), testing::EndsWith(R"("call":7,"unwound":true})"));
}

TEST_F(JsonTest, AFunctionThatNeverReturnsHasNoValueAndIsNotUnwound) {
  wc_return event = return_event(7, "exit", "?");
  event.flags = WC_RETURN_NEVER;
  EXPECT_THAT(line(event), testing::EndsWith(R"("tid":4312,"call":7})"));
}

TEST_F(JsonTest, ResultsByTypeAndPaths) {
  wc_syscall event = syscall_event(0, "mmap", "", "0x7f0000001000");
  event.ret = 0x7f0000001000;
  const wc_arg address = {.type = WC_ARG_POINTER, .value = 0x7f0000001000};
  event.value = &address;
  event.path = "/etc/hosts";
  event.fd_path = "/dev/zero";
  EXPECT_THAT(line(event), testing::EndsWith(R"("ret":"0x7f0000001000","path":"/etc/hosts",)"
                                             R"("fd_path":"/dev/zero"})"));
  event.value = nullptr;
  event.ret = -1;
  event.error = 2;
  event.error_name = "ENOENT";
  EXPECT_THAT(line(event), HasSubstr(R"("ret":-1,"error":"ENOENT","path":)"));
}

TEST(JsonRunTest, StandsFirstAndOnce) {
  const char* const words[] = {"ls", "a\n\"", nullptr};
  TestHost host(json_backend(), {}, {.version = "0.1.0", .argv = words});
  EXPECT_EQ(host.take(), "") << "a run that is refused now has no line";
  host.send(process_event(WC_PROCESS_EXIT));
  host.flush(1);
  const auto lines = host.take_lines();
  ASSERT_EQ(lines.size(), 2U);
  const ordered_json run = ordered_json::parse(lines[0]);
  std::vector<std::string> keys;
  for (const auto& [key, value] : run.items()) keys.push_back(key);
  EXPECT_THAT(keys,
              ElementsAre("type", "version", "argv", "time", "realtime_offset", "host", "kernel"));
  EXPECT_EQ(run["argv"], (std::vector<std::string>{"ls", "a\n\""}));
  TestHost unknown(json_backend());
  unknown.flush(1);
  EXPECT_FALSE(json::parse(unknown.take()).contains("argv"));
}

TEST_F(JsonTest, Processes) {
  wc_process event = process_event(WC_PROCESS_START);
  event.path = "/bin/ls";
  EXPECT_EQ(line(event),
            R"({"type":"process","ts":1,"pid":4312,"tid":4312,"event":"start","path":"/bin/ls"})");
  event.event = WC_PROCESS_EXEC;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"exec","path":"/bin/ls"})"));
  event.event = WC_PROCESS_FORK;
  event.child = 4313;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"fork","child":4313,"thread":false})"));
  event.thread = 1;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"fork","child":4313,"thread":true})"));
  event.event = WC_PROCESS_SIGNAL;
  event.signal = 2;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"signal","signal":"SIGINT"})"));
}

TEST_F(JsonTest, Exits) {
  wc_process event = process_event(WC_PROCESS_EXIT);
  event.status = 3 << 8;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"exit","status":3})"));
  event.status = 11 | 0x80;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"exit","killed":"SIGSEGV","core":true})"));
  event.status = 29;
  event.thread = 1;
  EXPECT_THAT(line(event), HasSubstr(R"("event":"exit","killed":"SIGIO","thread":true})"));
}

TEST_F(JsonTest, ObjectsAndLost) {
  EXPECT_EQ(line(wc_object{.ts = 5,
                           .pid = 1,
                           .event = WC_OBJECT_LOAD,
                           .base = 0x7f0000,
                           .path = "/lib/libm.so.6",
                           .how = "dlopen",
                           .by = "/bin/x"}),
            R"({"type":"object","ts":5,"pid":1,"event":"load","path":"/lib/libm.so.6",)"
            R"("base":"0x7f0000","how":"dlopen","by":"/bin/x"})");
  EXPECT_THAT(line(wc_object{.event = WC_OBJECT_UNLOAD}), HasSubstr(R"("event":"unload")"));
  EXPECT_EQ(line(wc_lost{.ts = 5, .pid = 1, .count = 9}),
            R"({"type":"lost","ts":5,"pid":1,"count":9})");
}

std::string written(std::string_view bytes) {
  std::string out;
  JsonWriter(out).string(bytes);
  return out;
}

TEST(JsonStringTest, EveryByteReadsBackAsItself) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string text = written(std::string_view(&c, 1));
    // Latin-1 in UTF-8, as nlohmann gives it back.
    std::string expected(1, c);
    if (byte >= 0x80) {
      expected = {static_cast<char>(0xc0 | (byte >> 6)), static_cast<char>(0x80 | (byte & 0x3f))};
    }
    ASSERT_EQ(json::parse(text).get<std::string>(), expected) << text;
    for (const char out : text) ASSERT_TRUE(out >= ' ' && out <= '~') << byte;
  }
}

TEST(JsonStringTest, ValidUtf8StaysAndTheRestIsEscapedByteByByte) {
  EXPECT_EQ(written("h\u00e9 \u20ac \U0001f600"), "\"h\u00e9 \u20ac \U0001f600\"");
  EXPECT_EQ(written("\u009b1m"), R"("\u009b1m")") << "C1 control sequence introducer";
  EXPECT_EQ(written("\x7f"), R"("\u007f")");
  EXPECT_EQ(written("\xc0\xaf"), R"("\u00c0\u00af")") << "overlong";
  EXPECT_EQ(written("\xe0\x80\xaf"), R"("\u00e0\u0080\u00af")") << "overlong";
  EXPECT_EQ(written("\xed\xa0\x80"), R"("\u00ed\u00a0\u0080")") << "surrogate";
  EXPECT_EQ(written("\xf4\x90\x80\x80"), R"("\u00f4\u0090\u0080\u0080")") << "above U+10FFFF";
  EXPECT_EQ(written("\xe2\x82"), R"("\u00e2\u0082")") << "cut off";
  EXPECT_EQ(written("\xe2\x82x"), R"("\u00e2\u0082x")");
  EXPECT_EQ(written("\"\\/\n\t\r\b"), R"("\"\\/\n\t\r\u0008")");
  EXPECT_EQ(written(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonWriterTest, CommasAndNesting) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("a");
  writer.begin_array();
  writer.begin_array();
  writer.end_array();
  writer.null();
  writer.boolean(true);
  writer.end_array();
  writer.member("b", INT64_MIN);
  writer.key("c");
  writer.begin_object();
  writer.end_object();
  writer.member("d", false);
  writer.end_object();
  EXPECT_EQ(out, R"({"a":[[],null,true],"b":-9223372036854775808,"c":{},"d":false})");
}

}  // namespace
}  // namespace wc::backends
