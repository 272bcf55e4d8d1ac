// The traced program owns its memory, its scopes and its results: whatever they hold, the pipeline
// ends in bounded time with bounded reads, and every line is whole.
#include <gmock/gmock.h>

#include <random>
#include <set>

#include "pipeline_fixture.h"

namespace wc {
namespace {

using testing::ElementsAre;

// Memory that has been unmapped, or whose process is gone.
class NoMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress, void*, size_t) override { return 0; }
};

// Everywhere readable, the same everywhere, without an end: strings never stop, pointers lead on.
class EndlessMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress from, void* to, size_t size) override {
    bytes_read += size;
    if (size > kTooMuch) return 0;
    auto* bytes = static_cast<unsigned char*>(to);
    for (size_t i = 0; i < size; i++)
      bytes[i] = static_cast<unsigned char>(1 + (from.value + i) % 255);
    return size;
  }
  static constexpr size_t kTooMuch = 64 << 20;
  size_t bytes_read = 0;
};

constexpr uint64_t kWords[] = {0,          1,          0x7f,       0xffff,     0x7fffffff,
                               0x80000000, 0xffffffff, 0x10000000, 1ull << 47, 1ull << 62,
                               1ull << 63, ~0ull,      ~0xfffull,  ~13ull};

class HostileTest : public PipelineFixture {
 protected:
  uint64_t word() { return random_() % 4 == 0 ? random_() : kWords[random_() % std::size(kWords)]; }
  std::vector<uint64_t> words() {
    std::vector<uint64_t> six(6);
    for (auto& one : six) one = word();
    return six;
  }
  void syscall_with_any_words(uint32_t nr) {
    PendingSyscall pending;
    pending.nr = nr;
    for (auto& arg : pending.args) arg = word();
    pipeline_->syscall_enter(source(), pending);
    if (random_() % 4 == 0)
      pipeline_->syscall_ended(source(), pending);
    else
      pipeline_->syscall_exit(source(), pending, static_cast<int64_t>(word()), word());
  }
  void every_syscall() {
    for (uint32_t nr = 0; nr < 600; nr++)
      for (int i = 0; i < 3; i++) syscall_with_any_words(nr);
    for (uint32_t nr : {1023u, 1024u, 0x40000001u, 0x7fffffffu, 0xffffffffu})
      syscall_with_any_words(nr);
  }
  void every_function() {
    for (const FunctionSpec& spec : catalog()) {
      const uint32_t index = add(std::string(spec.name));
      for (int i = 0; i < 3; i++) {
        enter(index, words());
        if (i != 1) make_syscall("getpid", {}, 1);
        leave(word(), WC_RECORD_RETURN, static_cast<int32_t>(word()), word());
      }
    }
  }
  void expect_whole_lines() {
    size_t count = 0;
    for (const auto& line : lines()) {
      EXPECT_TRUE(Json::accept(line)) << line.substr(0, 500);
      // sendmmsg: 32 messages, each with its parts and control messages.
      EXPECT_LT(line.size(), 250'000u) << line.substr(0, 500);
      count++;
    }
    EXPECT_GT(count, 1000u);
  }

  std::mt19937_64 random_{20240229};
};

TEST_F(HostileTest, SyscallsOfAProcessWithoutMemory) {
  NoMemory memory;
  memory_used_ = &memory;
  every_syscall();
  expect_whole_lines();
}

TEST_F(HostileTest, CallsOfAProcessWithoutMemory) {
  NoMemory memory;
  memory_used_ = &memory;
  every_function();
  expect_whole_lines();
}

TEST_F(HostileTest, SyscallsOnEndlessMemoryReadBoundedAmounts) {
  EndlessMemory memory;
  memory_used_ = &memory;
  for (uint32_t nr = 0; nr < 600; nr++) {
    for (int i = 0; i < 3; i++) {
      memory.bytes_read = 0;
      syscall_with_any_words(nr);
      ASSERT_LT(memory.bytes_read, 16u << 20) << syscall_spec(nr).name;
    }
  }
  expect_whole_lines();
}

TEST_F(HostileTest, CallsOnEndlessMemoryReadBoundedAmounts) {
  EndlessMemory memory;
  memory_used_ = &memory;
  for (const FunctionSpec& spec : catalog()) {
    const uint32_t index = add(std::string(spec.name));
    for (int i = 0; i < 2; i++) {
      memory.bytes_read = 0;
      enter(index, words());
      make_syscall("getpid", {}, 1);
      leave(word(), WC_RECORD_RETURN, static_cast<int32_t>(word()), word());
      ASSERT_LT(memory.bytes_read, 16u << 20) << spec.name;
    }
  }
  expect_whole_lines();
}

TEST_F(HostileTest, UnreadableArgumentsAreShownAsAddresses) {
  NoMemory memory;
  memory_used_ = &memory;
  enter("fopen", {0x1234, 0x5678});
  make_syscall("openat", {uint64_t(-100), 0x1234, 0}, 3);
  const auto all = events();
  EXPECT_THAT(all[0]["args"], ElementsAre("0x1234", "0x5678"));
  EXPECT_EQ(all[1]["text"], "openat(AT_FDCWD, 0x1234, O_RDONLY) = 3");
}

TEST_F(HostileTest, ScopesThatChangeBehindTheTracersBack) {
  for (int i = 0; i < 200; i++) {
    scopes_.resize(random_() % WC_MAX_SCOPES);
    for (auto& scope : scopes_) {
      if (random_() % 4 == 0) scope.seq = random_() % 8;
      scope.function = static_cast<uint32_t>(random_() % 8);
      scope.sp = word();
    }
    make_syscall("getpid", {}, 1);
    wc_record record{random_() % 8, word(), word(), static_cast<uint32_t>(random_() % 4), 0};
    take({&record, 1});
    ASSERT_LE(calls_.calls().size(), WC_MAX_SCOPES);
  }
  // Every return has had its call.
  std::set<uint64_t> open;
  for (const Json& event : events()) {
    if (event["type"] == "call") {
      EXPECT_TRUE(open.insert(event["call"].get<uint64_t>()).second);
    }
    if (event["type"] == "return") {
      EXPECT_EQ(open.erase(event["call"].get<uint64_t>()), 1u);
    }
  }
}

}  // namespace
}  // namespace wc
