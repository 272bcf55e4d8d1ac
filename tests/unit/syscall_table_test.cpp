// The rows of syscalls.def against libseccomp and against their own promises.
#include <gtest/gtest.h>
#include <seccomp.h>

#include <cstdlib>
#include <string>

#include "decode/decoder.h"
#include "decode/flag_tables.h"

namespace wc {
namespace {

TEST(SyscallTable, NamesAgreeWithLibseccomp) {
  for (const SyscallSpec& row : syscall_rows()) {
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, static_cast<int>(row.nr));
    if (name == nullptr) continue;  // newer than this libseccomp
    EXPECT_EQ(row.name, name);
    std::free(name);
  }
}

TEST(SyscallTable, CoversWhatLibseccompKnows) {
  for (int nr = 0; nr < 512; nr++) {
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);
    if (name == nullptr) continue;
    EXPECT_EQ(syscall_number(name), nr);
    EXPECT_EQ(syscall_spec(static_cast<uint32_t>(nr)).name, name) << nr;
    std::free(name);
  }
  EXPECT_GE(syscall_rows().size(), 350u);
}

bool aux_is_argument(ArgKind kind) {
  switch (kind) {
    case ArgKind::BufferIn:
    case ArgKind::BufferOut:
    case ArgKind::BufferOutHex:
    case ArgKind::BufferInText:
    case ArgKind::BufferOutText:
    case ArgKind::Sockaddr:
    case ArgKind::SockaddrOut:
    case ArgKind::Iovec:
    case ArgKind::IovecOut:
    case ArgKind::IovecAddr:
    case ArgKind::Pollfd:
    case ArgKind::MsgVec:
    case ArgKind::MsgVecOut:
    case ArgKind::Sembuf:
    case ArgKind::MessageIn:
    case ArgKind::MessageOut:
    case ArgKind::CpuSet:
    case ArgKind::SockoptIn:
    case ArgKind::SockoptOut:
    case ArgKind::OpenHow:
    case ArgKind::CloneArgs:
      return true;
    default:
      return false;
  }
}

// A length that is not a number or an address would be a wrong index.
bool can_be_length(ArgKind kind) {
  switch (kind) {
    case ArgKind::Int:
    case ArgKind::Uint:
    case ArgKind::Long:
    case ArgKind::Ulong:
    case ArgKind::SocklenInOut:
      return true;
    default:
      return false;
  }
}

TEST(SyscallTable, AuxPointsToALength) {
  for (const SyscallSpec& row : syscall_rows()) {
    for (unsigned i = 0; i < row.arg_count; i++) {
      const ArgSpec& arg = row.args[i];
      if (arg.kind == ArgKind::Flags || arg.kind == ArgKind::Enum) {
        EXPECT_FALSE(flag_table(FlagTable{arg.aux}).rows.empty()) << row.name << " " << i;
      }
      if (!aux_is_argument(arg.kind)) continue;
      ASSERT_LT(arg.aux, row.arg_count) << row.name << " " << i;
      EXPECT_TRUE(can_be_length(row.args[arg.aux].kind)) << row.name << " " << i;
    }
  }
}

TEST(SyscallTable, ArgumentCounts) {
  const std::pair<const char*, int> expected[] = {
      {"read", 3},   {"mmap", 6},         {"getpid", 0},   {"futex", 6},
      {"openat", 4}, {"clone", 5},        {"pselect6", 6}, {"statx", 5},
      {"clone3", 2}, {"epoll_pwait2", 6}, {"getcpu", 3},   {"prlimit64", 4}};
  for (const auto& [name, count] : expected) {
    EXPECT_EQ(syscall_spec(static_cast<uint32_t>(syscall_number(name))).arg_count, count) << name;
  }
}

TEST(SyscallTable, UnknownNumbers) {
  const SyscallSpec& unknown = syscall_spec(0x1ff);
  EXPECT_EQ(unknown.name, "syscall_0x1ff");
  EXPECT_EQ(unknown.arg_count, 6);
  EXPECT_EQ(&syscall_spec(0x1ff), &unknown);
  EXPECT_EQ(syscall_spec(UINT32_MAX).name, "syscall_0xffffffff");
  EXPECT_EQ(syscall_number("syscall_0x1ff"), 0x1ff);
  EXPECT_EQ(syscall_number("nonsense"), -1);
  EXPECT_EQ(syscall_number("syscall_0x"), -1);
}

// A tracee that tries every number must not fill the tracer's memory, and what was given out
// before stays valid.
TEST(SyscallTable, UnknownNumbersAreBounded) {
  const SyscallSpec& first = syscall_spec(100000);
  for (uint32_t nr = 100000; nr < 110000; nr++) syscall_spec(nr);
  EXPECT_EQ(first.name, "syscall_0x186a0");
  EXPECT_EQ(&syscall_spec(200000), &syscall_spec(200001));
  EXPECT_EQ(syscall_spec(200000).arg_count, 6);
}

}  // namespace
}  // namespace wc
