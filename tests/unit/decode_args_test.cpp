// Arguments of syscalls, as strace 6.1 prints them, and memory that lies.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "decode/decoder.h"
#include "decode_fake_memory.h"

namespace wc {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr uint64_t kBad = 0xdead0000;
constexpr uint64_t kAtFdcwd = static_cast<uint64_t>(AT_FDCWD);

class Args : public testing::Test {
 protected:
  uint64_t string(const std::string& text) { return memory.put_string(text); }
  template <typename... Word>
  std::string run(std::string_view name, int64_t ret, Word... words) {
    return Call(memory).text(name, {static_cast<uint64_t>(words)...}, ret);
  }
  FakeMemory memory;
};

TEST_F(Args, ModeOfOpenOnlyWhereAFileMayBeMade) {
  const uint64_t path = string("/etc/hosts");
  EXPECT_EQ(run("openat", 3, kAtFdcwd, path, 0, 0644),
            "openat(AT_FDCWD, \"/etc/hosts\", O_RDONLY) = 3");
  EXPECT_EQ(run("openat", 3, kAtFdcwd, path, O_CREAT | O_WRONLY, 0644),
            "openat(AT_FDCWD, \"/etc/hosts\", O_WRONLY|O_CREAT, 0644) = 3");
  EXPECT_EQ(run("open", 3, path, O_TMPFILE | O_RDWR, 0),
            "open(\"/etc/hosts\", O_RDWR|O_TMPFILE, 000) = 3");
}

TEST_F(Args, PathsAreNotShortenedByTheStringSize) {
  const std::string longer(200, 'p');
  EXPECT_EQ(run("rmdir", 0, string(longer)), "rmdir(\"" + longer + "\") = 0");
  const std::string too_long(5000, 'p');
  EXPECT_EQ(run("rmdir", -36, string(too_long)),
            "rmdir(\"" + std::string(4095, 'p') + "\"...) = -1 ENAMETOOLONG (File name too long)");
}

TEST_F(Args, UnreadableMemoryIsAnAddress) {
  EXPECT_EQ(run("rmdir", -14, kBad), "rmdir(0xdead0000) = -1 EFAULT (Bad address)");
  EXPECT_EQ(run("rmdir", -14, 0), "rmdir(NULL) = -1 EFAULT (Bad address)");
  EXPECT_EQ(run("write", -14, 1, kBad, 5), "write(1, 0xdead0000, 5) = -1 EFAULT (Bad address)");
  EXPECT_EQ(run("execve", -14, kBad, kBad, kBad),
            "execve(0xdead0000, 0xdead0000, 0xdead0000) = -1 EFAULT (Bad address)");
}

// The string runs into memory that cannot be read before its end is seen.
TEST_F(Args, UnterminatedStringIsAnAddress) {
  const uint64_t address = memory.put("abc");
  EXPECT_EQ(run("rmdir", -14, address), "rmdir(0x10000) = -1 EFAULT (Bad address)");
}

TEST_F(Args, AStringThatFitsTakesOneRead) {
  const uint64_t path = string("/usr/lib/x86_64-linux-gnu/libc.so.6");
  memory.reads = 0;
  Call(memory).entry("rmdir", {path});
  EXPECT_EQ(memory.reads, 1u);
}

TEST_F(Args, BuffersAreShortened) {
  const uint64_t data = memory.put("0123456789012345678901234567890123456789");
  EXPECT_EQ(run("write", 32, 1, data, 32),
            "write(1, \"01234567890123456789012345678901\", 32) = 32");
  EXPECT_EQ(run("write", 33, 1, data, 33),
            "write(1, \"01234567890123456789012345678901\"..., 33) = 33");
  EXPECT_EQ(run("write", 0, 1, data, 0), "write(1, \"\", 0) = 0");
}

TEST_F(Args, WhatTheCallWroteIsReadAtExit) {
  const uint64_t data = memory.put("hello, world");
  Call call(memory);
  EXPECT_EQ(call.entry("read", {3, data, 100}), "3, , 100");
  EXPECT_EQ(call.text("read", {3, data, 100}, 5), "read(3, \"hello\", 100) = 5");
  EXPECT_EQ(call.args[1].data, "hello");
  EXPECT_TRUE(call.args[1].is_string);
  EXPECT_EQ(call.text("read", {3, data, 100}, -4),
            "read(3, 0x10000, 100) = -1 EINTR (Interrupted system call)");
  EXPECT_FALSE(call.args[1].is_string);
}

// A result is the tracee's word as well: never more than it gave room for.
TEST_F(Args, ResultDoesNotReachBeyondTheBuffer) {
  const uint64_t data = memory.put("hello, world");
  EXPECT_EQ(run("read", 1 << 30, 3, data, 5), "read(3, \"hello\", 5) = 1073741824");
}

TEST_F(Args, HugeLengthsReadNoMoreThanIsShown) {
  const uint64_t data = memory.put(std::string(8192, 'x'));
  memory.bytes_read = 0;
  Call(memory).entry("write", {1, data, UINT64_MAX});
  EXPECT_LE(memory.bytes_read, 64u);
  memory.bytes_read = 0;
  Call(memory).entry("writev", {1, data, UINT64_MAX});
  EXPECT_LE(memory.bytes_read, 16384u);
  memory.bytes_read = 0;
  Call(memory).entry("poll", {data, UINT32_MAX, 0});
  EXPECT_LE(memory.bytes_read, 16384u);
}

TEST_F(Args, Stat) {
  struct stat value {};
  value.st_mode = S_IFREG | 0644;
  value.st_size = 42;
  EXPECT_EQ(run("fstat", 0, 3, memory.put_value(value)),
            "fstat(3, {st_mode=S_IFREG|0644, st_size=42, ...}) = 0");
  value.st_mode = S_IFCHR | 0620;
  value.st_rdev = makedev(0x88, 0);
  EXPECT_EQ(run("newfstatat", 0, 1, string(""), memory.put_value(value), AT_EMPTY_PATH),
            "newfstatat(1, \"\", {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0), ...}, "
            "AT_EMPTY_PATH) = 0");
  value.st_mode = S_IFDIR | S_ISVTX | 0777;
  EXPECT_THAT(run("fstat", 0, 3, memory.put_value(value)), HasSubstr("S_IFDIR|S_ISVTX|0777"));
  EXPECT_EQ(run("fstat", -9, 3, kBad), "fstat(3, 0xdead0000) = -1 EBADF (Bad file descriptor)");
}

TEST_F(Args, SignalSets) {
  const uint64_t two = memory.put_value(uint64_t{0x4002});
  const uint64_t nearly_all = memory.put_value(~uint64_t{0x180000000});
  EXPECT_EQ(run("rt_sigprocmask", 0, SIG_BLOCK, two, 0, 8),
            "rt_sigprocmask(SIG_BLOCK, [INT TERM], NULL, 8) = 0");
  EXPECT_EQ(run("rt_sigprocmask", 0, SIG_SETMASK, nearly_all, 0, 8),
            "rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], NULL, 8) = 0");
}

TEST_F(Args, Sigaction) {
  const uint64_t action[] = {0x5000, 0x14000000, 0x7f00, 0};
  const uint64_t ignore[] = {1, 0, 0, 0};
  EXPECT_EQ(run("rt_sigaction", 0, SIGINT, memory.put_value(action), memory.put_value(ignore), 8),
            "rt_sigaction(SIGINT, {sa_handler=0x5000, sa_mask=[], sa_flags=SA_RESTORER|SA_RESTART, "
            "sa_restorer=0x7f00}, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, 8) = 0");
}

TEST_F(Args, SocketAddresses) {
  sockaddr_in inet{};
  inet.sin_family = AF_INET;
  inet.sin_port = htons(80);
  inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const uint64_t at = memory.put_value(inet);
  const std::string shown =
      "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}";
  EXPECT_EQ(run("connect", 0, 3, at, 16), "connect(3, " + shown + ", 16) = 0");
  EXPECT_EQ(run("accept", 4, 3, at, memory.put_value(16)), "accept(3, " + shown + ", [16]) = 4");
  EXPECT_EQ(run("accept", -11, 3, at, memory.put_value(16)),
            "accept(3, 0x10000, [16]) = -1 EAGAIN (Resource temporarily unavailable)");
  EXPECT_EQ(run("accept", 4, 3, 0, 0), "accept(3, NULL, NULL) = 4");
  EXPECT_THAT(run("bind", -22, 3, at, -1), HasSubstr("bind(3, 0x10000, -1)"));
}

TEST_F(Args, UnixSocketAddresses) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/x");
  EXPECT_EQ(run("connect", 0, 3, memory.put_value(address), 110),
            "connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 110) = 0");
  EXPECT_EQ(run("connect", 0, 3, memory.put_value(address), 2),
            "connect(3, {sa_family=AF_UNIX}, 2) = 0");
  std::memcpy(address.sun_path, "\0ab", 3);
  EXPECT_EQ(run("connect", 0, 3, memory.put_value(address), 5),
            "connect(3, {sa_family=AF_UNIX, sun_path=@\"ab\"}, 5) = 0");
  // A path without a terminator, as long as it can be.
  std::memset(address.sun_path, 'x', sizeof address.sun_path);
  EXPECT_EQ(run("connect", 0, 3, memory.put_value(address), 110),
            "connect(3, {sa_family=AF_UNIX, sun_path=\"" + std::string(108, 'x') + "\"}, 110) = 0");
}

TEST_F(Args, Vectors) {
  const iovec vector[] = {{reinterpret_cast<void*>(memory.put("hello")), 5},
                          {reinterpret_cast<void*>(memory.put("\n")), 1}};
  const uint64_t at = memory.put_value(vector);
  EXPECT_EQ(run("writev", 6, 1, at, 2),
            "writev(1, [{iov_base=\"hello\", iov_len=5}, {iov_base=\"\\n\", iov_len=1}], 2) = 6");
  // Three bytes were read: all in the first part.
  EXPECT_EQ(run("readv", 3, 1, at, 2),
            "readv(1, [{iov_base=\"hel\", iov_len=5}, {iov_base=\"\", iov_len=1}], 2) = 3");
  EXPECT_EQ(run("writev", 0, 1, at, 0), "writev(1, [], 0) = 0");
  EXPECT_THAT(run("writev", -22, 1, at, 5), HasSubstr("iov_len=1}, ... /* "));
}

TEST_F(Args, ControlMessages) {
  const auto control = [this](size_t length) {
    cmsghdr header{};
    header.cmsg_len = length;
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = SCM_RIGHTS;
    const int fds[] = {3, 4};
    return memory.put(std::string(reinterpret_cast<const char*>(&header), sizeof header) +
                      std::string(reinterpret_cast<const char*>(fds), sizeof fds));
  };
  msghdr message{};
  message.msg_control = reinterpret_cast<void*>(control(CMSG_LEN(8)));
  message.msg_controllen = CMSG_LEN(8);
  EXPECT_THAT(run("sendmsg", 0, 3, memory.put_value(message), 0),
              HasSubstr("msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, "
                        "cmsg_data=[3, 4]}], msg_controllen=24"));
  // A length of zero would never end; one beyond the buffer would read our own memory.
  for (const size_t lie : {size_t{0}, size_t{1}, size_t{1000}, SIZE_MAX}) {
    message.msg_control = reinterpret_cast<void*>(control(lie));
    const std::string line = run("sendmsg", 0, 3, memory.put_value(message), 0);
    EXPECT_THAT(line, HasSubstr(lie < sizeof(cmsghdr) ? "cmsg_type=SCM_RIGHTS}, ... /* 0x"
                                                      : "cmsg_data=[3, 4]}], "));
    EXPECT_THAT(line, testing::EndsWith("], msg_controllen=24, msg_flags=0}, 0) = 0"));
  }
}

TEST_F(Args, LimitsAndInfinity) {
  const uint64_t limit[] = {8192 * 1024, UINT64_MAX};
  const uint64_t odd[] = {1024, 1025};
  EXPECT_EQ(run("prlimit64", 0, 0, 3, 0, memory.put_value(limit)),
            "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0");
  EXPECT_THAT(run("setrlimit", 0, 7, memory.put_value(odd)),
              HasSubstr("{rlim_cur=1024, rlim_max=1025}"));
}

TEST_F(Args, WaitStatus) {
  const auto shown = [&](int status, int64_t ret = 5) {
    return run("wait4", ret, -1, memory.put_value(status), 0, 0);
  };
  EXPECT_EQ(shown(7 << 8), "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = 5");
  EXPECT_THAT(shown(9), HasSubstr("[{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}]"));
  EXPECT_THAT(shown(11 | 0x80),
              HasSubstr("[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}]"));
  EXPECT_THAT(shown(0x137f), HasSubstr("[{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}]"));
  EXPECT_THAT(shown(0x3057f), HasSubstr("SIGTRAP} | PTRACE_EVENT_CLONE << 16]"));
  EXPECT_THAT(shown(0xffff), HasSubstr("[{WIFCONTINUED(s)}]"));
  EXPECT_THAT(shown(7 << 8, 0), Not(HasSubstr("WIFEXITED")));  // WNOHANG: nothing was written
}

TEST_F(Args, PollTellsWhatIsReadyBehindTheResult) {
  const pollfd set[] = {{3, POLLIN, POLLIN}, {4, POLLOUT, 0}};
  const uint64_t at = memory.put_value(set);
  EXPECT_EQ(run("poll", 1, at, 2, -1),
            "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 1 ([{fd=3, "
            "revents=POLLIN}])");
  EXPECT_THAT(run("poll", 0, at, 2, 10), EndsWith("= 0 (Timeout)"));
  EXPECT_THAT(run("poll", -4, at, 2, 10), EndsWith("= -1 EINTR (Interrupted system call)"));
}

TEST_F(Args, SelectShowsSetsBeforeAndAfter) {
  const uint64_t set = memory.put_value(uint64_t{0x29});
  const int64_t time[] = {1, 5};
  EXPECT_EQ(run("select", 1, 6, set, 0, 0, memory.put_value(time)),
            "select(6, [0 3 5], NULL, NULL, {tv_sec=1, tv_usec=5}) = 1 (in [0 3 5], left "
            "{tv_sec=1, tv_usec=5})");
  EXPECT_THAT(run("select", 0, 4, set, 0, 0, 0), testing::StartsWith("select(4, [0 3], NULL"));
}

TEST_F(Args, ProgramArguments) {
  const uint64_t arguments[] = {string("ls"), string("-l\n"), 0};
  const uint64_t environment[] = {string("A=1"), string("B=2"), 0};
  const uint64_t at = memory.put_value(environment);
  EXPECT_THAT(run("execve", 0, string("/bin/ls"), memory.put_value(arguments), at),
              testing::MatchesRegex(
                  R"(execve\("/bin/ls", \["ls", "-l\\n"\], 0x[0-9a-f]+ /\* 2 vars \*/\) = 0)"));
  const uint64_t endless[] = {1, 2, 3};
  EXPECT_THAT(run("execve", 0, 0, 0, memory.put_value(endless)),
              HasSubstr("/* 3 vars, unterminated */"));
}

TEST_F(Args, CloneIsReorderedAndNamed) {
  EXPECT_EQ(run("clone", 5, 0x1200011, 0, 0x10, 0x20, 0x30),
            "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, "
            "child_tidptr=0x20) = 5");
  const uint64_t tid = memory.put_value(77);
  EXPECT_EQ(run("clone", 77, 0x3d0f00, 0x7000, tid, 0x20, 0x30),
            "clone(child_stack=0x7000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|"
            "CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, "
            "parent_tid=[77], tls=0x30, child_tidptr=0x20) = 77");
}

TEST_F(Args, FcntlByCommand) {
  EXPECT_EQ(run("fcntl", 0x8002, 3, F_GETFL, 0xdead),
            "fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)");
  EXPECT_EQ(run("fcntl", 1, 3, F_GETFD, 0), "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)");
  EXPECT_EQ(run("fcntl", 0, 3, F_SETFL, O_NONBLOCK), "fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0");
  EXPECT_EQ(run("fcntl", 10, 3, F_DUPFD, 10), "fcntl(3, F_DUPFD, 10) = 10");
  const struct flock lock = {F_WRLCK, SEEK_SET, 0, 10, 0};
  EXPECT_EQ(run("fcntl", 0, 3, F_SETLK, memory.put_value(lock)),
            "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=10}) = 0");
  EXPECT_THAT(run("fcntl", -22, 3, 99, 5), HasSubstr("fcntl(3, 0x63 /* F_??? */, 0x5)"));
}

TEST_F(Args, FutexByOperation) {
  EXPECT_EQ(run("futex", 0, 0x10, 129, 1, 0xbad, 0xbad, 0xbad),
            "futex(0x10, FUTEX_WAKE_PRIVATE, 1) = 0");
  EXPECT_EQ(run("futex", 0, 0x10, 128, 2, 0, 0xbad),
            "futex(0x10, FUTEX_WAIT_PRIVATE, 2, NULL) = 0");
  EXPECT_EQ(run("futex", 0, 0x10, 393, 2, 0, 0xbad, 0xffffffff),
            "futex(0x10, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 2, NULL, "
            "FUTEX_BITSET_MATCH_ANY) = 0");
}

TEST_F(Args, IoctlByRequest) {
  const uint16_t size[] = {24, 80, 0, 0};
  EXPECT_EQ(run("ioctl", 0, 1, 0x5413, memory.put_value(size)),
            "ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0");
  EXPECT_EQ(run("ioctl", 0, 1, 0x541b, memory.put_value(7)), "ioctl(1, FIONREAD, [7]) = 0");
  EXPECT_EQ(run("ioctl", -25, 1, 0x5401, 0x7000),
            "ioctl(1, TCGETS, 0x7000) = -1 ENOTTY (Inappropriate ioctl for device)");
  EXPECT_THAT(run("ioctl", -25, 1, 0x12345678, 5),
              HasSubstr("_IOC(_IOC_NONE, 0x56, 0x78, 0x1234), 0x5"));
}

TEST_F(Args, MremapPrintsAnAddressOnlyWithItsFlag) {
  EXPECT_EQ(run("mremap", 0x5000, 0x1000, 1, 2, MREMAP_MAYMOVE, 0xbad),
            "mremap(0x1000, 1, 2, MREMAP_MAYMOVE) = 0x5000");
  EXPECT_EQ(run("mremap", 0x5000, 0x1000, 1, 2, MREMAP_MAYMOVE | MREMAP_FIXED, 0x5000),
            "mremap(0x1000, 1, 2, MREMAP_MAYMOVE|MREMAP_FIXED, 0x5000) = 0x5000");
}

TEST_F(Args, RandomBytesAreHexadecimal) {
  EXPECT_EQ(run("getrandom", 3, memory.put("\x01zz"), 3, 1),
            "getrandom(\"\\x01\\x7a\\x7a\", 3, GRND_NONBLOCK) = 3");
}

TEST_F(Args, OffsetsShowWhatTheyBecame) {
  EXPECT_EQ(run("sendfile", 3, 1, 2, memory.put_value(int64_t{6}), 3),
            "sendfile(1, 2, [6] => [6], 3) = 3");
  EXPECT_EQ(run("sendfile", 0, 1, 2, memory.put_value(int64_t{6}), 0),
            "sendfile(1, 2, [6], 0) = 0");
}

TEST_F(Args, UnknownSyscallsPrintSixWords) {
  EXPECT_EQ(run("syscall_0x1ff", -38, 1, 2, 0, 4, 5, 6),
            "syscall_0x1ff(0x1, 0x2, 0, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)");
}

TEST_F(Args, PathsOfDescriptors) {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const DecodeOptions options{.show_paths = true};
  const DecodeContext context{memory, options, getpid()};
  const ArgSpec spec{ArgKind::Fd, 0};
  std::vector<DecodedArg> args;
  const uint64_t words[] = {static_cast<uint64_t>(fd)};
  decode_entry_args(context, {&spec, 1}, words, args);
  EXPECT_EQ(args[0].text, std::to_string(fd) + "</dev/null>");
  ::close(fd);
  decode_entry_args(context, {&spec, 1}, words, args);
  EXPECT_EQ(args[0].text, std::to_string(fd));
}

// Every kind with every sort of garbage: must neither crash, hang nor allocate by it.
TEST_F(Args, SurvivesGarbage) {
  const uint64_t page = memory.put(std::string(4096, '\xff'));
  const uint64_t zeros = memory.put(std::string(4096, '\0'));
  for (const uint64_t word : {uint64_t{0}, uint64_t{1}, kBad, page, zeros, page + 4090,
                              uint64_t{UINT32_MAX}, UINT64_MAX, uint64_t{1} << 63}) {
    for (const uint64_t other : {uint64_t{0}, page, zeros, UINT64_MAX}) {
      for (const int64_t ret : {int64_t{0}, int64_t{-14}, int64_t{1} << 40, int64_t{-5000}}) {
        for (uint32_t nr = 0; nr < 512; nr++) {
          const SyscallSpec& spec = syscall_spec(nr);
          Call call(memory);
          const std::vector<uint64_t> words = {word, other, word, other, word, other};
          const std::span<const ArgSpec> specs{spec.args, spec.arg_count};
          decode_entry_args(call.context(), specs, words, call.args);
          decode_exit_args(call.context(), specs, words, spec.result, static_cast<uint64_t>(ret),
                           call.args);
          const std::string text =
              join_args(call.args) +
              decode_syscall_result(call.context(), spec, words, static_cast<uint64_t>(ret));
          ASSERT_LT(text.size(), 400000u) << spec.name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace wc
