// Words that mean several things, by the operation next to them: what strace 6.1 printed for the
// same words. Corners that a program cannot reach at will: upper halves, times that were not
// written.
#include <gmock/gmock.h>
#include <linux/netlink.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "decode/ioctl_names.h"
#include "decode_fake_memory.h"

namespace wc {
namespace {

constexpr uint64_t kHigh = 0xdefaced00000000;

struct Row {
  std::string_view name;
  std::vector<uint64_t> words;
  int64_t result;
  std::string_view line;
};

const Row kRows[] = {
    {"getdents64", {~0ull, 0, kHigh | 8192}, -EBADF, "getdents64(-1, NULL, 8192)"},
    {"landlock_restrict_self", {~0ull, kHigh}, -EPERM, "landlock_restrict_self(-1, 0)"},
    {"process_mrelease", {0, kHigh | 0xf}, -EINVAL, "process_mrelease(0, 0xf)"},
    {"quotactl_fd",
     {3, kHigh | 0x80000400, 1, 0},
     -ENOSYS,
     "quotactl_fd(3, QCMD(Q_GETFMT, USRQUOTA), NULL)"},
    {"reboot",
     {0, kHigh, 0},
     -EPERM,
     "reboot(0 /* LINUX_REBOOT_MAGIC_??? */, 0 /* LINUX_REBOOT_MAGIC_??? */, "
     "LINUX_REBOOT_CMD_CAD_OFF)"},
    {"add_key", {0, 0, 0, 0, 1234567890}, -EFAULT, "add_key(NULL, NULL, NULL, 0, 1234567890)"},
    {"kcmp", {0, 0, 8, 1, 2}, -EINVAL, "kcmp(0, 0, 0x8 /* KCMP_??? */, 0x1, 0x2)"},
    {"syslog", {11, 0, 5}, -EINVAL, "syslog(11 /* SYSLOG_ACTION_??? */, NULL, 5)"},
    {"swapon", {0, 42}, -EPERM, "swapon(NULL, 42)"},
    {"swapon", {0, 0x8000 | 42}, -EPERM, "swapon(NULL, SWAP_FLAG_PREFER|42)"},
    {"set_mempolicy",
     {0xffff1fff, 0, 0},
     -EINVAL,
     "set_mempolicy(0xffff1fff /* MPOL_??? */, NULL, 0)"},
    {"prctl",
     {PR_CAP_AMBIENT, 4, 0, 0, 0},
     0,
     "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)"},
    {"prctl", {PR_SET_TSC, 1, 7, 8, 9}, 0, "prctl(PR_SET_TSC, PR_TSC_ENABLE)"},
    {"prctl",
     {PR_MCE_KILL, 1, 1, 0, 0},
     0,
     "prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0)"},
    {"prctl",
     {PR_SET_DUMPABLE, kHigh | 1},
     -EINVAL,
     "prctl(PR_SET_DUMPABLE, 0xdefaced00000001 /* SUID_DUMP_??? */)"},
    {"fanotify_mark", {~0ull, 0, 0, ~0ull, 0}, -EINVAL, "fanotify_mark(-1, 0, 0, FAN_NOFD, NULL)"},
    {"mount",
     {0, 0, 0, 0xc0ed0001, 0},
     -EFAULT,
     "mount(NULL, NULL, NULL, MS_MGC_VAL|MS_RDONLY, NULL)"},
    {"setns", {3, 0x100}, -EINVAL, "setns(3, 0x100 /* CLONE_NEW??? */)"},
    {"name_to_handle_at",
     {~0ull, 0, 0, 0, 0x200},
     -EFAULT,
     "name_to_handle_at(-1, NULL, NULL, NULL, AT_HANDLE_FID)"},
    {"ioctl", {3, 0x4b31, 0}, -ENOTTY, "ioctl(3, KDGETLED, NULL)"},
    {"ioctl", {3, 0x4c01, 0}, -ENOTTY, "ioctl(3, LOOP_CLR_FD)"},
    {"ioctl",
     {3, 0xdeadbeef, 0},
     -ENOTTY,
     "ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0xbe, 0xef, 0x1ead), 0)"},
    {"setsockopt",
     {3, 270, NETLINK_RX_RING, 0, 0},
     -EINVAL,
     "setsockopt(3, SOL_NETLINK, NETLINK_RX_RING, NULL, 0)"},
};

TEST(Families, WordsAreShownAsTheKernelTakesThem) {
  FakeMemory memory;
  for (const Row& row : kRows)
    EXPECT_THAT(Call(memory).text(row.name, row.words, row.result),
                testing::StartsWith(std::string(row.line) + " = "));
}

TEST(Families, NothingIsShownThatTheCallHasNotWritten) {
  FakeMemory memory;
  const uint64_t left = memory.put_value(timespec{111, 222}),
                 usage = memory.put(std::string(144, 'x'));
  const uint64_t asked = memory.put_value(timespec{0, 1000000000});
  const auto line = [&](std::string_view name, std::vector<uint64_t> words, int64_t result) {
    return Call(memory).text(name, std::move(words), result);
  };
  for (const int64_t error : {-EFAULT, -EINVAL})
    EXPECT_THAT(line("nanosleep", {asked, left}, error), testing::HasSubstr("}, 0x"));
  EXPECT_THAT(line("nanosleep", {asked, left}, -EINTR),
              testing::HasSubstr("{tv_sec=111, tv_nsec=222}"));
  EXPECT_THAT(line("wait4", {~0ull, 0, 1, usage}, 0), testing::HasSubstr("WNOHANG, 0x"));
  const linger off{0, 7};
  EXPECT_THAT(line("setsockopt", {3, SOL_SOCKET, SO_LINGER, memory.put_value(off), 4}, -EINVAL),
              testing::HasSubstr("SO_LINGER, 0x"));
  EXPECT_THAT(line("setsockopt", {3, SOL_SOCKET, SO_DEBUG, memory.put_value(off), 5}, 0),
              testing::HasSubstr("SO_DEBUG, [0], 5"));
}

// What stands behind the end of a structure that the caller says is longer.
TEST(Families, LongerStructuresShowWhatIsBehind) {
  FakeMemory memory;
  uint64_t how[4] = {0, 0, 0, 0x8786858483828180};
  EXPECT_EQ(Call(memory).entry("openat2", {0, 0, memory.put_value(how), sizeof how}),
            R"(0, NULL, {flags=O_RDONLY, resolve=0, /* bytes 24..31 */ )"
            R"("\x80\x81\x82\x83\x84\x85\x86\x87"}, 32)");
  EXPECT_THAT(Call(memory).entry("openat2", {0, 0, memory.put_value(how), 1 << 30}),
              testing::HasSubstr("resolve=0, ???}"));
}

TEST(Families, KeyThatRefusedTheAccessIsNamed) {
  siginfo_t info{};
  info.si_signo = SIGSEGV;
  info.si_code = 4;  // SEGV_PKUERR
  info.si_pkey = 3;
  EXPECT_THAT(siginfo_text(&info), testing::EndsWith("si_addr=NULL, si_pkey=3}"));
}

TEST(IoctlNames, SeveralDriversMayUseANumber) {
  std::string text;
  append_ioctl(text, 0x5403);
  EXPECT_EQ(text, "SNDCTL_TMR_STOP or TCSETSW");
  text.clear();
  append_ioctl(text, 0x80404506);
  EXPECT_EQ(text, "EVIOCGNAME(64)");
  text.clear();
  append_ioctl(text, 0x80204d01);
  EXPECT_EQ(text, "MIXER_READ(1) or MEMGETINFO");
}

}  // namespace
}  // namespace wc
