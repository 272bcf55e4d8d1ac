// Backend "perfetto": what it writes, read again by field numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using protozero::pbf_reader;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Names = std::map<uint64_t, std::string>;

// What a reader would show: "begin fopen on 4312 at 1000 {args=...}".
class Reader {
 public:
  explicit Reader(const std::string& bytes) {
    pbf_reader trace(bytes);
    while (trace.next(1)) packet(trace.get_message());
  }
  std::vector<std::string> lines;

 private:
  static void learn(pbf_reader entry, Names& names) {
    uint64_t id = 0;
    while (entry.next()) {
      if (entry.tag() == 1)
        id = entry.get_uint64();
      else if (entry.tag() == 2)
        names[id] = entry.get_string();
      else
        entry.skip();
    }
  }
  void interned(pbf_reader data) {
    while (data.next()) {
      if (data.tag() == 2)
        learn(data.get_message(), events_);
      else if (data.tag() == 3)
        learn(data.get_message(), notes_);
      else
        data.skip();
    }
  }
  void track(pbf_reader descriptor) {
    uint64_t id = 0;
    while (descriptor.next()) {
      if (descriptor.tag() == 1)
        id = descriptor.get_uint64();
      else if (descriptor.tag() == 3 || descriptor.tag() == 4) {
        const bool is_thread = descriptor.tag() == 4;
        pbf_reader of = descriptor.get_message();
        while (of.next()) {
          if (of.tag() == (is_thread ? 2U : 1U))
            tracks_[id] = std::to_string(of.get_int32());
          else if (of.tag() == (is_thread ? 5U : 6U))
            named_[id] = of.get_string();
          else
            of.skip();
        }
      } else
        descriptor.skip();
    }
  }
  std::string note(pbf_reader annotation) {
    std::string name, text;
    while (annotation.next()) {
      if (annotation.tag() == 1)
        name = notes_.at(annotation.get_uint64());
      else if (annotation.tag() == 6)
        text = annotation.get_string();
      else
        annotation.skip();
    }
    return name + "=" + text;
  }
  void packet(pbf_reader packet) {
    uint64_t at = 0, track_id = 0, clock = 0;
    int32_t type = 0;
    std::string name, notes;
    // What is interned in a packet holds for it.
    pbf_reader first = packet;
    while (first.next()) {
      if (first.tag() == 12)
        interned(first.get_message());
      else if (first.tag() == 60)
        track(first.get_message());
      else if (first.tag() == 8)
        at = first.get_uint64();
      else if (first.tag() == 58)
        clock = first.get_uint32();
      else
        first.skip();
    }
    if (!packet.next(11)) return;
    pbf_reader event = packet.get_message();
    while (event.next()) {
      if (event.tag() == 9)
        type = event.get_enum();
      else if (event.tag() == 10)
        name = events_.at(event.get_uint64());
      else if (event.tag() == 11)
        track_id = event.get_uint64();
      else if (event.tag() == 4)
        notes += " " + note(event.get_message());
      else
        event.skip();
    }
    EXPECT_EQ(clock, 3U);  // CLOCK_MONOTONIC
    const char* const types[] = {"?", "begin", "end", "instant"};
    lines.push_back(std::string(types[type]) + " " + name + " on " + tracks_.at(track_id) + " " +
                    named_[track_id] + " at " + std::to_string(at) + notes);
  }
  Names events_, notes_;
  std::map<uint64_t, std::string> tracks_, named_;
};

TEST(Perfetto, SlicesInstantsAndNotes) {
  TestHost host(perfetto_backend());
  wc_process start = process_event(WC_PROCESS_START);
  start.path = "/bin/prog";
  host.send(start);
  wc_call call = call_event(1, "fopen", "\"x\"");
  call.caller = {.address = 1, .symbol = "main", .file = "p.c", .line = 7};
  host.send(call);
  host.send(syscall_event(1, "openat", "AT_FDCWD, \"x\"", "3"));
  host.send(return_event(1, "fopen", "0x1"));
  wc_process signal = process_event(WC_PROCESS_SIGNAL);
  signal.signal = 2, signal.text = "SIGINT {...}", signal.ts = 99'000;
  host.send(signal);
  host.send(wc_object{.ts = 99'200, .pid = kPid, .path = "/lib/x.so", .how = "dlopen"});
  wc_lost lost{.ts = 99'500, .pid = kPid, .count = 12};
  host.send(lost);
  host.close();
  EXPECT_THAT(
      Reader(host.take()).lines,
      ElementsAre(
          "begin fopen on 4312 prog at 1000 args=\"x\" caller=main at p.c:7 library=libc.so.6",
          "begin openat on 4312 prog at 1010 args=AT_FDCWD, \"x\" result=3",
          "end  on 4312 prog at 43010", "end  on 4312 prog at 43010 result=0x1",
          "instant SIGINT on 4312 prog at 99000 signal=SIGINT {...}",
          "instant load on 4312 prog at 99200 path=/lib/x.so how=dlopen",
          "instant lost events on 4312 prog at 99500 count=12"));
}

// A slice's end belongs to the begin before it, so each track must be balanced and never go back.
TEST(Perfetto, IsBalancedWhateverComes) {
  uint64_t state = 7;
  const auto random = [&](uint64_t most) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % most;
  };
  TestHost host(perfetto_backend());
  for (uint64_t id = 1; id < 3000; ++id) {
    wc_call call = call_event(id, "f", "", static_cast<uint32_t>(random(4)));
    call.ts = 1000 + random(5000);
    if (random(2) != 0) host.send(call);
    wc_syscall syscall = syscall_event(random(id), "read", "", "1");
    syscall.ts = 1000 + random(5000), syscall.dur = random(3000);
    if (random(2) != 0) host.send(syscall);
    wc_return back = return_event(random(id), "f", "");
    back.ts = 1000 + random(5000);
    if (random(2) != 0) host.send(back);
  }
  host.close();
  int open = 0;
  uint64_t last = 0;
  for (const std::string& line : Reader(host.take()).lines) {
    open += line.starts_with("begin") ? 1 : line.starts_with("end") ? -1 : 0;
    ASSERT_GE(open, 0);
    const uint64_t at = std::stoull(line.substr(line.find(" at ") + 4));
    ASSERT_GE(at, last);
    last = at;
  }
}

TEST(Perfetto, IsNoneForATerminal) {
  EXPECT_THAT(TestHost(perfetto_backend(), {}, {.is_terminal = 1}).error(),
              HasSubstr("perfetto:output=FILE"));
}

}  // namespace
}  // namespace wc::backends
