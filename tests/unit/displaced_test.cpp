// Displaced instructions: the bytes that they become, what is refused, and that they do the same.
#include "breakpoints/displaced.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

namespace wc {
namespace {

using Bytes = std::vector<uint8_t>;
using testing::HasSubstr;

constexpr uint64_t kFrom = 0x401000, kTo = 0x500000;

Bytes code_of(const Displaced& displaced) {
  return {displaced.code.begin(), displaced.code.begin() + displaced.size};
}

Displaced moved(const Bytes& bytes, uint64_t from = kFrom, uint64_t to = kTo) {
  auto displaced = displace(bytes, from, to);
  EXPECT_TRUE(displaced.ok()) << displaced.error().message;
  return displaced ? *displaced : Displaced{};
}

std::string refused(const Bytes& bytes, uint64_t to = kTo) {
  auto displaced = displace(bytes, kFrom, to);
  return displaced ? "(accepted)" : displaced.error().message;
}

TEST(Displaced, PlainInstructionAndAJumpBehindIt) {
  Displaced push = moved({0x55, 0x48, 0x89, 0xe5});
  EXPECT_EQ(push.length, 1);
  // 0x401001 - 0x500006
  EXPECT_EQ(code_of(push), (Bytes{0x55, 0xe9, 0xfb, 0x0f, 0xf0, 0xff}));
  EXPECT_EQ(push.place(0)->original, kFrom);
  EXPECT_EQ(push.place(1)->original, kFrom + 1);
  EXPECT_FALSE(push.place(2));
}

TEST(Displaced, AddressRelativeToRip) {
  // mov 0x10(%rip), %rax at 0x401000: 0x401017
  Displaced load = moved({0x48, 0x8b, 0x05, 0x10, 0, 0, 0});
  int32_t distance = 0;
  std::memcpy(&distance, &load.code[3], sizeof distance);
  EXPECT_EQ(kTo + 7 + static_cast<int64_t>(distance), 0x401017u);
}

TEST(Displaced, ShortConditionBecomesALongOne) {
  Displaced jump = moved({0x74, 0x10});
  EXPECT_EQ(jump.code[0], 0x0f);
  EXPECT_EQ(jump.code[1], 0x84);
  EXPECT_EQ(jump.size, 11);
  EXPECT_EQ(jump.place(6)->original, kFrom + 2);
}

TEST(Displaced, CallLeavesItsOwnReturnAddress) {
  Displaced call = moved({0xe8, 0, 1, 0, 0});
  EXPECT_EQ(call.place(0)->original, kFrom);
  EXPECT_EQ(call.place(5)->undo_push, 8);
  EXPECT_EQ(call.place(5)->original, kFrom);
}

TEST(Displaced, WhatIsRefused) {
  EXPECT_THAT(refused({0x0f, 0x05}), HasSubstr("system call"));
  EXPECT_THAT(refused({0xcd, 0x80}), HasSubstr("system call"));
  EXPECT_THAT(refused({0x06}), HasSubstr("no instruction"));
  EXPECT_THAT(refused({0x48}), HasSubstr("no instruction"));
  EXPECT_THAT(refused({0xff, 0x54, 0x24, 0x08}), HasSubstr("cannot be moved"));  // call 8(%rsp)
  EXPECT_THAT(refused({0xc7, 0xf8, 0, 0, 0, 0}), HasSubstr("cannot be moved"));  // xbegin
  EXPECT_THAT(refused({0x55}, kTo + (1ull << 33)), HasSubstr("too far"));
}

// Code that runs: what stands at `from` is one instruction and then `rest`; the thunk takes the
// place of the first.
class Running : public testing::Test {
 protected:
  void SetUp() override {
    memory_ = static_cast<uint8_t*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory_, MAP_FAILED);
  }
  void TearDown() override { munmap(memory_, 8192); }

  // Both must give the same for the same argument.
  void same(const Bytes& code, long argument = 0) {
    std::memcpy(memory_, code.data(), code.size());
    auto from = reinterpret_cast<uint64_t>(memory_);
    auto displaced = displace(code, from, from + 4096);
    ASSERT_TRUE(displaced.ok()) << displaced.error().message;
    std::memcpy(memory_ + 4096, displaced->code.data(), displaced->size);
    using Function = long (*)(long, long*);
    long left = 5, right = 5;
    long expected = reinterpret_cast<Function>(memory_)(argument, &left);
    long got = reinterpret_cast<Function>(memory_ + 4096)(argument, &right);
    EXPECT_EQ(got, expected);
    EXPECT_EQ(left, right);
  }

  uint8_t* memory_ = nullptr;
};

TEST_F(Running, RipRelative) {
  same({0x48, 0x8b, 0x05, 0x01, 0, 0, 0, 0xc3, 1, 2, 3, 4, 5, 6, 7, 8});  // mov 1(%rip),%rax; ret
}
TEST_F(Running, JumpsAndConditions) {
  // jmp +1; (int3); mov $7, %eax; ret
  same({0xeb, 0x01, 0xcc, 0xb8, 7, 0, 0, 0, 0xc3});
  for (long argument : {0L, 1L}) {
    // jrcxz would need rcx: jz on the flags that stand; then both ways return
    same({0x48, 0x85, 0xff, 0x74, 0x03, 0x31, 0xc0, 0xc3, 0xb8, 9, 0, 0, 0, 0xc3}, argument);
    // jrcxz +3; xor %eax,%eax; ret; mov $9, %eax; ret
    same({0xe3, 0x03, 0x31, 0xc0, 0xc3, 0x31, 0xc0, 0xc3}, argument);
  }
}
TEST_F(Running, CallsReturnToTheirOwnPlace) {
  // call +1; ret; mov (%rsp), %rax; ret: the return address itself is the result
  same({0xe8, 0x01, 0, 0, 0, 0xc3, 0x48, 0x8b, 0x04, 0x24, 0xc3});
}
TEST_F(Running, IndirectCall) {
  // call *6(%rip) to a function that adds to *rsi; ret
  Bytes code = {0xff, 0x15, 0x0a, 0,    0,    0,    0xc3, 0x90,
                0x48, 0xff, 0x06, 0x48, 0x8b, 0x06, 0xc3, 0x90};
  auto target = reinterpret_cast<uint64_t>(memory_) + 8;
  for (int i = 0; i < 8; i++) code.push_back(static_cast<uint8_t>(target >> 8 * i));
  same(code);
}
TEST_F(Running, Return) {
  Displaced ret = moved({0xc3}, reinterpret_cast<uint64_t>(memory_),
                        reinterpret_cast<uint64_t>(memory_ + 4096));
  std::memcpy(memory_ + 4096, ret.code.data(), ret.size);
  reinterpret_cast<void (*)()>(memory_ + 4096)();  // comes back
}

}  // namespace
}  // namespace wc
