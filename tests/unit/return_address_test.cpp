// What stands on top of the stack at a function's entry.
#include "breakpoints/return_address.h"

#include <gtest/gtest.h>

#include <vector>

namespace wc {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(ReturnAddress, EveryFormOfCallIsSeen) {
  const Bytes calls[] = {
      {0xe8, 1, 2, 3, 4},                      // call rel32
      {0xff, 0xd0},                            // call *%rax
      {0x41, 0xff, 0xd3},                      // call *%r11
      {0x3e, 0xff, 0xd2},                      // notrack call *%rdx
      {0xff, 0x13},                            // call *(%rbx)
      {0xff, 0x50, 0x18},                      // call *24(%rax)
      {0xff, 0x90, 0x18, 1, 0, 0},             // call *280(%rax)
      {0xff, 0x15, 1, 2, 3, 4},                // call *x(%rip)
      {0xff, 0x14, 0x24},                      // call *(%rsp)
      {0xff, 0x54, 0x24, 0x08},                // call *8(%rsp)
      {0xff, 0x94, 0x24, 0, 1, 0, 0},          // call *256(%rsp)
      {0x41, 0xff, 0x14, 0xc4},                // call *(%r12,%rax,8)
      {0xff, 0x14, 0xc5, 1, 2, 3, 4},          // call *x(,%rax,8)
      {0x67, 0xe8, 1, 2, 3, 4},                // addr32 call
      {0x64, 0xff, 0x14, 0x25, 0x10, 0, 0, 0}  // call *%fs:16
  };
  for (const Bytes& call : calls) {
    Bytes before = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
    before.insert(before.end(), call.begin(), call.end());
    EXPECT_TRUE(ends_with_call(before)) << testing::PrintToString(call);
    EXPECT_TRUE(ends_with_call(call)) << testing::PrintToString(call);
  }
}

TEST(ReturnAddress, OtherInstructionsAreNoCalls) {
  const Bytes others[] = {{},
                          {0xff},
                          {0xd0},
                          {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90},
                          {0xff, 0xe0},              // jmp *%rax
                          {0xff, 0x25, 1, 2, 3, 4},  // jmp *x(%rip)
                          {0xe9, 1, 2, 3, 4},        // jmp
                          {0xff, 0x30},              // push (%rax)
                          {0xff, 0xc0},              // inc %eax
                          {0xff, 0xd0, 0x90},        // behind another one
                          {0xe8, 1, 2, 3, 4, 0x90}};
  for (const Bytes& other : others)
    EXPECT_FALSE(ends_with_call(other)) << testing::PrintToString(other);
}

TEST(ReturnAddress, TrampolinesOfHandlers) {
  EXPECT_TRUE(is_signal_return(Bytes{0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05, 0x90}));
  EXPECT_TRUE(is_signal_return(Bytes{0xb8, 15, 0, 0, 0, 0x0f, 0x05}));
  EXPECT_FALSE(is_signal_return(Bytes{0xb8, 16, 0, 0, 0, 0x0f, 0x05}));
  EXPECT_FALSE(is_signal_return(Bytes{0xb8, 15, 0, 0, 0, 0x0f}));
  EXPECT_FALSE(is_signal_return(Bytes{}));
}

TEST(ReturnAddress, LoopsToTheFirstInstruction) {
  EXPECT_TRUE(branches_to_its_entry(Bytes{0xff, 0xcf, 0x75, 0xfc, 0xc3}));  // dec; jnz; ret
  EXPECT_TRUE(branches_to_its_entry(Bytes{0x90, 0xeb, 0xfd}));              // nop; jmp
  // Behind a branch over a ret.
  EXPECT_TRUE(branches_to_its_entry(Bytes{0x74, 0x01, 0xc3, 0xff, 0xcf, 0xeb, 0xf9}));
  EXPECT_FALSE(branches_to_its_entry(Bytes{0x90, 0xff, 0xcf, 0x75, 0xfc, 0xc3}));
  // The next function's branch is not this one's.
  EXPECT_FALSE(branches_to_its_entry(Bytes{0x90, 0xc3, 0xeb, 0xfc}));
  EXPECT_FALSE(branches_to_its_entry(Bytes{0xe8, 0xfb, 0xff, 0xff, 0xff, 0xc3}));  // calls itself
  EXPECT_FALSE(branches_to_its_entry(Bytes{}));
  EXPECT_FALSE(branches_to_its_entry(Bytes{0x06}));
}

}  // namespace
}  // namespace wc
