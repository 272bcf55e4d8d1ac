#include <map>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

// A program of one thread, made up: what happens, as the tracer would tell it.
class RandomThread {
 public:
  RandomThread(TestHost& host, int32_t tid) : host_(host), tid_(tid) {}

  void step(uint32_t choice, uint64_t ts) {
    if (choice < 4 && open_.size() < 6) {
      enter(ts);
    } else if (choice < 7 && !open_.empty()) {
      leave(ts);
    } else {
      syscall(ts);
    }
  }
  void finish(uint64_t ts) {
    while (!open_.empty()) leave(ts);
  }
  [[nodiscard]] const std::vector<std::string>& expected() const { return expected_; }

 private:
  void enter(uint64_t ts) {
    const uint64_t id = static_cast<uint64_t>(tid_) * 1'000'000 + ++count_;
    wc_call call = on_thread(call_event(id, "f", "", static_cast<uint32_t>(open_.size())), tid_);
    const std::string name = "f" + std::to_string(id);
    call.function = name.c_str();
    call.ts = ts;
    host_.send(call);
    expected_.push_back(std::string(2 * open_.size(), ' ') + name);
    open_.push_back(id);
  }
  void leave(uint64_t ts) {
    const uint64_t id = open_.back();
    open_.pop_back();
    const std::string name = "f" + std::to_string(id);
    const std::string value = std::to_string(id);
    wc_return ret = on_thread(
        return_event(id, name.c_str(), value.c_str(), static_cast<uint32_t>(open_.size())), tid_);
    ret.ts = ts;
    host_.send(ret);
  }
  void syscall(uint64_t ts) {
    const std::string name = "s" + std::to_string(++count_);
    wc_syscall event = on_thread(syscall_event(open_.empty() ? 0 : open_.back(), name.c_str(), "",
                                               "0", static_cast<uint32_t>(open_.size()) - 1),
                                 tid_);
    if (open_.empty()) event.depth = 0;
    event.ts = ts;
    host_.send(event);
    expected_.push_back(std::string(2 * open_.size(), ' ') + name);
  }

  TestHost& host_;
  int32_t tid_;
  uint64_t count_ = 0;
  std::vector<uint64_t> open_;
  std::vector<std::string> expected_;  // heads of lines, in order
};

// Whatever is held, released and resumed: each thread's lines come out once, in order, and each
// call gets its value exactly once, on its line or on a line of its own.
TEST(TextRandomTest, LosesAndDoublesNothing) {
  TestHost host(text_backend());
  std::mt19937 random(4312);  // NOLINT: the same programs in every run
  host.send(process_event(WC_PROCESS_FORK));
  std::vector<RandomThread> threads;
  for (int32_t tid = 1; tid <= 4; ++tid) threads.emplace_back(host, tid);
  uint64_t now = 1;
  for (int i = 0; i < 20'000; ++i) {
    now += 5 * kMillisecond;
    threads[random() % threads.size()].step(random() % 10, now);
    if (random() % 20 == 0) host.flush(now);
  }
  for (RandomThread& thread : threads) thread.finish(now);
  host.close();

  const std::regex shape(
      R"(\[pid (\d+)\] ( *)(?:(s\d+)\(\) = 0|(f(\d+))\((?: <unfinished ...>|\) = (\d+)))"
      R"(|<\.\.\. f(\d+) resumed>\) = (\d+)))");
  std::map<int, std::vector<std::string>> heads;
  std::map<std::string, int> values;
  size_t resumed = 0;
  for (const std::string& line : host.take_lines()) {
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, shape)) << line;
    const std::string value = match[6].str() + match[8].str();
    if (!value.empty()) {
      EXPECT_EQ(value, match[5].matched ? match[5].str() : match[7].str()) << line;
      ++values[value];
    }
    if (match[7].matched) {
      ++resumed;
    } else {
      heads[std::stoi(match[1])].push_back(match[2].str() + match[3].str() + match[4].str());
    }
  }
  EXPECT_GT(resumed, 100U) << "nothing was released: the test tests nothing";
  size_t calls = 0;
  for (int tid = 1; tid <= 4; ++tid) {
    const auto& expected = threads[static_cast<size_t>(tid) - 1].expected();
    EXPECT_TRUE(heads[tid] == expected) << "lines of thread " << tid;
    for (const std::string& head : expected) calls += head.find('f') != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(values.size(), calls);
  for (const auto& [value, times] : values) EXPECT_EQ(times, 1) << value;
}

}  // namespace
}  // namespace wc::backends
