// Which places may be patched: a golden list of shapes, as bytes.
#include "elf/syscall_sites.h"

#include <gtest/gtest.h>

namespace wc {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint64_t kAt = 0x1000;
constexpr uint8_t kPadding = 0x90;

SyscallSites sites_in(Bytes code) {
  code.insert(code.end(), 16, kPadding);
  return find_syscall_sites(code, kAt, {kAt});
}

struct Shape {
  const char* name;
  Bytes code;
};
void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }
std::string name_of(const testing::TestParamInfo<Shape>& info) { return info.param.name; }

class Refused : public testing::TestWithParam<Shape> {};
TEST_P(Refused, IsLeftToDispatch) {
  auto found = sites_in(GetParam().code);
  EXPECT_TRUE(found.sites.empty());
  EXPECT_EQ(found.refused.size(), 1u);
}
INSTANTIATE_TEST_SUITE_P(
    Shapes, Refused,
    testing::Values(
        // jmp +2 (into the window); xor %eax,%eax; mov %edi,%edi; nop; syscall
        Shape{"BranchIntoTheWindow", {0xeb, 0x02, 0x31, 0xc0, 0x89, 0xff, 0x90, 0x0f, 0x05}},
        // xor %eax,%eax; mov %edi,%edi; nop; syscall; jmp into the window
        Shape{"BranchBackIntoTheWindow", {0x31, 0xc0, 0x89, 0xff, 0x90, 0x0f, 0x05, 0xeb, 0xf9}},
        // xor %eax,%eax; call +0; syscall
        Shape{"CallInTheWindow", {0x31, 0xc0, 0xe8, 0, 0, 0, 0, 0x0f, 0x05}},
        // mov %edi,%eax; mov %rsi,%rdi; syscall
        Shape{"NumberFromARegister", {0x89, 0xf8, 0x48, 0x89, 0xf7, 0x0f, 0x05}},
        // mov $1,%eax; pop %rax; syscall
        Shape{"NumberOverwritten", {0xb8, 1, 0, 0, 0, 0x58, 0x0f, 0x05}},
        // jmp *%rdx; xor %eax,%eax; mov %rsi,%rdi; syscall
        Shape{"IndirectJumpInTheFunction", {0xff, 0xe2, 0x31, 0xc0, 0x48, 0x89, 0xf7, 0x0f, 0x05}}),
    name_of);

TEST(SyscallSites, MovAlone) {
  auto found = sites_in({0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3});
  ASSERT_EQ(found.sites.size(), 1u);
  const SyscallSite& site = found.sites[0];
  EXPECT_EQ(site.nr, 39u);
  EXPECT_EQ(site.start, kAt);
  EXPECT_EQ(site.syscall, kAt + 5);
  EXPECT_EQ(site.moved, (Bytes{0xb8, 39, 0, 0, 0}));
  EXPECT_EQ(site.original, site.moved);
  EXPECT_TRUE(site.fixups.empty());
}

TEST(SyscallSites, AnIndirectJumpIsNoMatterToASingleInstruction) {
  auto found = sites_in({0xff, 0xe2, 0xb8, 39, 0, 0, 0, 0x0f, 0x05});
  EXPECT_EQ(found.sites.size(), 1u);
}

TEST(SyscallSites, ABranchToTheFirstInstructionIsAllowed) {
  auto found = sites_in({0xeb, 0x00, 0x31, 0xc0, 0x48, 0x89, 0xf7, 0x0f, 0x05});
  EXPECT_EQ(found.sites.size(), 1u);
}

TEST(SyscallSites, XorWithInstructionsBetween) {
  auto found = sites_in({0x31, 0xc0, 0x48, 0x89, 0xf7, 0x0f, 0x05});
  ASSERT_EQ(found.sites.size(), 1u);
  EXPECT_EQ(found.sites[0].nr, 0u);
  EXPECT_EQ(found.sites[0].moved, (Bytes{0x31, 0xc0, 0x48, 0x89, 0xf7}));
}

TEST(SyscallSites, AShortConditionalJumpGrows) {
  // mov $3,%eax; jne +2; syscall
  auto found = sites_in({0xb8, 3, 0, 0, 0, 0x75, 0x02, 0x0f, 0x05});
  ASSERT_EQ(found.sites.size(), 1u);
  const SyscallSite& site = found.sites[0];
  EXPECT_EQ(site.moved, (Bytes{0xb8, 3, 0, 0, 0, 0x0f, 0x85, 0, 0, 0, 0}));
  ASSERT_EQ(site.fixups.size(), 1u);
  EXPECT_EQ(site.fixups[0].at, 7);
  EXPECT_EQ(site.fixups[0].end, 11);
  EXPECT_EQ(site.fixups[0].target, kAt + 9);
}

TEST(SyscallSites, AnOperandRelativeToRipLeadsToTheSamePlace) {
  // xor %eax,%eax; lea 0x100(%rip),%rsi; syscall
  auto found = sites_in({0x31, 0xc0, 0x48, 0x8d, 0x35, 0, 1, 0, 0, 0x0f, 0x05});
  ASSERT_EQ(found.sites.size(), 1u);
  ASSERT_EQ(found.sites[0].fixups.size(), 1u);
  EXPECT_EQ(found.sites[0].fixups[0].at, 5);
  EXPECT_EQ(found.sites[0].fixups[0].end, 9);
  EXPECT_EQ(found.sites[0].fixups[0].target, kAt + 9 + 0x100);
}

TEST(SyscallSites, AShortJumpInTheLastBytesCounts) {
  // xor %eax,%eax; mov %rsi,%rdi; syscall; jmp to the mov: nothing follows.
  Bytes code{0x31, 0xc0, 0x48, 0x89, 0xf7, 0x0f, 0x05, 0xeb, 0xf9};
  EXPECT_TRUE(find_syscall_sites(code, kAt, {kAt}).sites.empty());
}

}  // namespace
}  // namespace wc
