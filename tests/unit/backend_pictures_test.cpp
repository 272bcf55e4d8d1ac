// Back ends speedscope and html: frames that are balanced whatever comes, and a page that nothing
// of the program can break out of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backend_test_host.h"
#include "run_model.h"

namespace wc::backends {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void send_small_run(TestHost& host) {
  wc_process start = process_event(WC_PROCESS_START);
  start.path = "/bin/prog";
  host.send(start);
  wc_call outer = call_event(1, "fopen", "");
  outer.ts = 1000, outer.caller = {.address = 1, .object = "/bin/prog", .symbol = "main(int)"};
  host.send(outer);
  wc_syscall syscall = syscall_event(1, "openat", "", "-1 ENOENT (No such file or directory)");
  syscall.function = "fopen", syscall.ts = 1200, syscall.dur = 300, syscall.error = 2,
  syscall.error_name = "ENOENT";
  host.send(syscall);
  wc_return back = return_event(1, "fopen", "NULL");
  back.ts = 2000, back.dur = 1000;
  host.send(back);
  wc_syscall outside = syscall_event(0, "brk", "", "0");
  outside.ts = 3000, outside.dur = 100;
  host.send(outside);
}

// "O fopen 0", "C fopen 1000", ...
std::vector<std::string> events_of(const json& file, const json& profile) {
  std::vector<std::string> all;
  for (const json& event : profile["events"])
    all.push_back(
        event["type"].get<std::string>() + " " +
        file["shared"]["frames"][event["frame"].get<size_t>()]["name"].get<std::string>() + " " +
        event["at"].dump());
  return all;
}

TEST(Speedscope, AProfileByTimeAndOneByNumber) {
  TestHost host(speedscope_backend());
  send_small_run(host);
  host.close();
  const json file = json::parse(host.take());
  EXPECT_EQ(file["$schema"], "https://www.speedscope.app/file-format-schema.json");
  ASSERT_EQ(file["profiles"].size(), 2U);
  const json& by_time = file["profiles"][0];
  EXPECT_EQ(by_time["name"], "prog 4312");
  EXPECT_EQ(by_time["endValue"], 2100);
  EXPECT_THAT(events_of(file, by_time), ElementsAre("O fopen 0", "O openat 200", "C openat 500",
                                                    "C fopen 1000", "O brk 2000", "C brk 2100"));
  const json& by_count = file["profiles"][1];
  EXPECT_EQ(by_count["weights"], json::parse("[1,1]"));
  EXPECT_EQ(by_count["samples"].size(), 2U);
  EXPECT_EQ(by_count["samples"][0].size(), 4U);  // prog, main, fopen, openat
}

// Calls that never return, returns that were lost, times that go back: each frame is closed, inside
// of the one around it, and time never goes back.
TEST(Speedscope, IsBalancedWhateverComes) {
  uint64_t state = 7;
  const auto random = [&](uint64_t most) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % most;
  };
  for (int round = 0; round < 300; ++round) {
    TestHost host(speedscope_backend());
    for (uint64_t id = 1; id < 60; ++id) {
      const auto tid = static_cast<int32_t>(kPid + random(2));
      wc_call call = call_event(id, "f", "", static_cast<uint32_t>(random(4)));
      call.ts = 1000 + random(5000), call.tid = tid;
      if (random(2) != 0) host.send(call);
      wc_syscall syscall = syscall_event(random(60), "read", "", "1");
      syscall.ts = 1000 + random(5000), syscall.dur = random(3000), syscall.tid = tid;
      if (random(2) != 0) host.send(syscall);
      wc_return back = return_event(random(60), "f", "");
      back.ts = 1000 + random(5000), back.dur = random(3000), back.tid = tid;
      if (random(2) != 0) host.send(back);
      if (random(20) == 0) host.send(on_thread(process_event(WC_PROCESS_EXIT), tid));
    }
    host.close();
    const json file = json::parse(host.take());
    for (const json& profile : file["profiles"]) {
      if (profile["type"] != "evented") continue;
      std::vector<json> open;
      uint64_t last = 0;
      for (const json& event : profile["events"]) {
        ASSERT_GE(event["at"].get<uint64_t>(), last);
        last = event["at"];
        if (event["type"] == "O") {
          open.push_back(event["frame"]);
        } else {
          ASSERT_FALSE(open.empty());
          ASSERT_EQ(open.back(), event["frame"]);
          open.pop_back();
        }
      }
      ASSERT_TRUE(open.empty());
      ASSERT_LE(last, profile["endValue"].get<uint64_t>());
    }
  }
}

TEST(RunModel, WhatFindsNoRoomIsPutTogetherAndCounted) {
  RunModel model(10, 20);
  for (uint64_t id = 1; id <= 100; ++id) {
    const std::string name = "f" + std::to_string(id);
    wc_call call = call_event(id, name.c_str(), "");
    model.call(call);
    model.syscall(syscall_event(id, "read", "", "1"));
    model.ret(return_event(id, name.c_str(), ""));
  }
  model.close();
  EXPECT_EQ(model.take_spans().size(), 10U);
  EXPECT_EQ(model.dropped_spans(), 190U);
  EXPECT_LE(model.tree().size(), 22U);
  uint64_t calls = 0;
  for (const TreeNode& node : model.tree()) calls += node.count;
  EXPECT_EQ(calls, 200U);
}

json data_of(const std::string& page) {
  const std::string begin = R"(<script type="application/json" id="data">)";
  const size_t from = page.find(begin) + begin.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(Html, TheDataAreInThePage) {
  TestHost host(html_backend(), {}, {.version = "1", .engine = "inproc"});
  send_small_run(host);
  host.close();
  const std::string page = host.take();
  const json data = data_of(page);
  EXPECT_EQ(data["engine"], "inproc");
  EXPECT_EQ(data["functions"][0][0], "fopen");
  EXPECT_EQ(data["functions"][0][2], 1);  // system calls
  EXPECT_EQ(data["functions"][0][5], 1);  // calls
  EXPECT_EQ(data["functions"][0][7], 1000);
  EXPECT_EQ(data["syscalls"].size(), 2U);
  EXPECT_EQ(data["errors"][0],
            json::parse(R"([1,"openat","ENOENT","","fopen","main(int)+0x0 in prog"])"));
  EXPECT_EQ(
      data["slowest_calls"],
      json::parse(R"([[1000,1000,"fopen() = NULL","libc.so.6","main(int)+0x0 in prog",4312]])"));
  EXPECT_EQ(data["slowest"].size(), 2U);
  EXPECT_EQ(data["slowest"][0][2], "openat() = -1 ENOENT (No such file or directory)");
  EXPECT_EQ(data["tracks"][0][3], 3);
  // 0 1000 fopen 0, 200 300 openat+failed 1, 1800 100 brk 0; names count from 0: all, (more), prog,
  // main
  EXPECT_EQ(data["spans"], "AOgHCADIAawCCwGIDmQMAA==");
  EXPECT_EQ(page.find("@DATA@"), page.npos);
  // Nothing is fetched.
  EXPECT_EQ(page.find("src=\"http"), page.npos);
  EXPECT_EQ(page.find("href=\"http"), page.npos);
}

TEST(Html, ANameCannotEndTheScript) {
  TestHost host(html_backend());
  const char* evil = "</script><script>alert(1)</script><!--\xff\x01";
  wc_call call = call_event(1, evil, evil);
  call.caller = {.address = 1, .object = evil, .symbol = evil, .file = evil, .line = 1};
  host.send(call);
  wc_syscall syscall = syscall_event(1, "read", evil, evil);
  syscall.path = evil, syscall.error = 1, syscall.error_name = "EPERM";
  host.send(syscall);
  host.close();
  const std::string page = host.take();
  EXPECT_EQ(data_of(page)["functions"][0][0].get<std::string>().substr(0, 9), "</script>");
  EXPECT_EQ(page.find("alert(1)</script>"), page.npos);
}

TEST(Html, AMillionEventsAreAtMostTwentyMegabytes) {
  TestHost host(html_backend());
  wc_call call = call_event(1, "printf", "");
  wc_syscall syscall = syscall_event(1, "write", "1, \"x\", 1", "1");
  wc_return back = return_event(1, "printf", "1");
  for (uint64_t id = 1; id <= 600'000; ++id) {
    call.id = syscall.call = back.call = id;
    call.ts = id * 20'000, syscall.ts = call.ts + 3'000, syscall.dur = 5'000 + id % 4'000;
    back.ts = call.ts + 12'000 + id % 5'000, back.dur = back.ts - call.ts;
    call.tid = syscall.tid = back.tid = kPid + static_cast<int32_t>(id % 8);
    host.send(call);
    host.send(syscall);
    host.send(back);
  }
  host.close();
  const std::string page = host.take();
  EXPECT_LE(page.size(), 20'000'000U);
  const json data = data_of(page);
  EXPECT_EQ(data["dropped"], 200'000);
  EXPECT_EQ(data["syscalls"][0][1], 600'000);  // counted nevertheless
}

}  // namespace
}  // namespace wc::backends
