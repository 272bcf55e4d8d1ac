// Where a function returns, by its code.
#include "bpf/return_sites.h"

#include <gmock/gmock.h>

#include <vector>

namespace wc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kBegin = 0x1000;

ReturnSites sites(std::vector<uint8_t> code) { return find_returns(code, kBegin); }

TEST(ReturnSites, EachRetIsOne) {
  // test edi,edi; je +1; ret; ret 8; repz ret
  const auto found = sites({0x85, 0xff, 0x74, 0x01, 0xc3, 0xc2, 0x08, 0x00, 0xf3, 0xc3});
  EXPECT_FALSE(found.by_address);
  EXPECT_THAT(found.rets, ElementsAre(kBegin + 4, kBegin + 5, kBegin + 8));
  EXPECT_THAT(found.jumps, IsEmpty());
}

TEST(ReturnSites, AByteOfAnotherInstructionIsNone) {
  // mov eax,0xc3c3c3c3; ret
  EXPECT_THAT(sites({0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3}).rets, ElementsAre(kBegin + 5));
}

TEST(ReturnSites, JumpsOutOfItAreTold) {
  // jmp +0x100; je -0x10; jmp rax
  const auto found = sites({0xe9, 0x00, 0x01, 0x00, 0x00, 0x74, 0xf0, 0xff, 0xe0});
  EXPECT_THAT(found.jumps, ElementsAre(kBegin, kBegin + 5, kBegin + 7));
  EXPECT_THAT(found.targets, ElementsAre(kBegin + 0x105, kBegin + 7 - 0x10));
}

TEST(ReturnSites, JumpsInsideAreNot) {
  // jmp +0; jmp -4; ret
  EXPECT_THAT(sites({0xeb, 0x00, 0xeb, 0xfc, 0xc3}).jumps, IsEmpty());
}

TEST(ReturnSites, WhatIsNoCodeHasNone) {
  // ret; an invalid byte
  const auto found = sites({0xc3, 0x06});
  EXPECT_FALSE(found.by_address);
  EXPECT_THAT(found.rets, IsEmpty());
}

uint64_t entry(std::vector<uint8_t> code) { return find_entry(code, kBegin); }

TEST(Entry, BehindEndbr) {
  // endbr64; mov eax,[rdi]; ret
  EXPECT_EQ(entry({0xf3, 0x0f, 0x1e, 0xfa, 0x8b, 0x07, 0xc3}), kBegin + 4);
}

TEST(Entry, AtWhatTheKernelEmulates) {
  EXPECT_EQ(entry({0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0xc3}), kBegin + 4) << "push rbp";
  // cmpb $0,(rip); je +1; ret; ret
  EXPECT_EQ(entry({0x80, 0x3d, 0, 0, 0, 0, 0, 0x74, 0x01, 0xc3, 0xc3}), kBegin + 7);
}

TEST(Entry, NotBehindWhatChangesTheCall) {
  EXPECT_EQ(entry({0x48, 0x89, 0xf7, 0x55, 0xc3}), kBegin) << "mov rdi,rsi; push rbp";
  EXPECT_EQ(entry({0x48, 0x83, 0xec, 0x08, 0x55, 0xc3}), kBegin) << "sub rsp,8; push rbp";
  EXPECT_EQ(entry({0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0x55, 0xc3}), kBegin) << "syscall; push rbp";
}

TEST(Entry, NotWhereALoopComesBack) {
  // xor eax,eax; push rbp; pop rbp; jmp to the push
  EXPECT_EQ(entry({0x31, 0xc0, 0x55, 0x5d, 0xeb, 0xfc}), kBegin);
}

}  // namespace
}  // namespace wc
