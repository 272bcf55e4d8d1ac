// The reader of /proc/PID: texts as the kernel and hostile names make them, and live processes.
#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/scoped_fd.h"
#include "proc/files.h"
#include "proc/maps.h"
#include "proc/process.h"
#include "proc/status.h"
#include "temporary_folder.h"

namespace wc::proc {
namespace {

using testing::Contains;

// A child that runs `body` and then waits to be killed.
class Child {
 public:
  explicit Child(void (*body)()) : pid_(fork()) {
    if (pid_ != 0) return;
    body();
    for (;;) pause();
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

template <typename Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 2000; i++) {
    if (condition()) return true;
    usleep(1000);
  }
  return false;
}

pid_t vanished() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
  return pid;
}

// ---- maps

// By ioctl(2) where the kernel has it, the same as the whole map says.
TEST(OneMapping, IsTheOneThatTheMapHas) {
  const auto address = reinterpret_cast<uint64_t>(&getpid);
  const auto one = read_mapping(getpid(), address);
  if (!one && one.error().code == ENOTTY) GTEST_SKIP() << "before Linux 6.11";
  ASSERT_TRUE(one.ok()) << one.error().message;
  const auto maps = read_maps(getpid());
  ASSERT_TRUE(maps.ok());
  const Mapping* same = maps->at(address);
  ASSERT_NE(same, nullptr);
  EXPECT_EQ(one->range, same->range);
  EXPECT_EQ(one->rights, same->rights);
  EXPECT_EQ(one->path, same->path);
  EXPECT_EQ(one->inode, same->inode);
  EXPECT_EQ(one->offset, same->offset);
  EXPECT_EQ(one->device_major, same->device_major);
  EXPECT_EQ(one->device_minor, same->device_minor);
  EXPECT_EQ(read_mapping(getpid(), 8).error().code, ENOENT);
}

TEST(Maps, ReadsEachField) {
  const Maps maps = Maps::parse(
      "55d0c0000000-55d0c0001000 r-xp 00002000 08:01 131 /a b/c\\012d (deleted)\n"
      "7ffc0000f000-7ffc00010000 rw-s 00000000 fd:1f 0          [stack]\n"
      "7ffd00000000-7ffd00001000 ---p 00000000 00:00 0 \n");
  ASSERT_EQ(3u, maps.all().size());
  const Mapping& code = *maps.at(0x55d0c0000000);
  EXPECT_EQ((AddressRange{0x55d0c0000000, 0x55d0c0001000}), code.range);
  EXPECT_EQ((Rights{.read = true, .execute = true}), code.rights);
  EXPECT_EQ(0x2000u, code.offset);
  EXPECT_EQ(8u, code.device_major);
  EXPECT_EQ(1u, code.device_minor);
  EXPECT_EQ(131u, code.inode);
  EXPECT_EQ("/a b/c\nd (deleted)", code.path);
  EXPECT_TRUE(code.has_file());
  EXPECT_TRUE(code.looks_deleted());
  const Mapping& stack = *maps.at(0x7ffc0000f000);
  EXPECT_EQ("[stack]", stack.path);
  EXPECT_FALSE(stack.has_file());
  EXPECT_EQ((Rights{.read = true, .write = true, .shared = true}), stack.rights);
  EXPECT_EQ(0x1fu, stack.device_minor);
  EXPECT_EQ("", maps.at(0x7ffd00000000)->path);
}

TEST(Maps, FindsWhatContainsAnAddress) {
  const Maps maps = Maps::parse(
      "3000-4000 r--p 0 00:00 0 \n"  // out of order: the map has changed meanwhile
      "1000-2000 r--p 0 00:00 0 \n");
  EXPECT_EQ(nullptr, maps.at(0xfff));
  EXPECT_EQ(0x1000u, maps.at(0x1000)->range.begin);
  EXPECT_EQ(0x1000u, maps.at(0x1fff)->range.begin);
  EXPECT_EQ(nullptr, maps.at(0x2000));
  EXPECT_EQ(0x3000u, maps.at(0x3fff)->range.begin);
  EXPECT_EQ(nullptr, maps.at(~0ull));
}

TEST(Maps, LeavesOutWhatItCannotUnderstand) {
  for (const char* text : {
           "", "\n\n", "garbage\n", "1000-", "1000-2000\n", "1000-2000 r-xp\n",
           "2000-1000 r-xp 00000000 00:00 0 \n",              // ends before it begins
           "1000-2000 r-xp0 00000000 00:00 0 \n",             // no blank behind the rights
           "1000-2000 r-xp 00000000 00:00\n",                 // no inode
           "1000-2000 r-xp 00000000 00:00 12x /a\n",          // no number
           "123456789012345678-2 r-xp 00000000 00:00 0 \n",   // too large
           "1000-2000 r-xp 00000000 00:00 0   /usr/lib/lib",  // cut off: the name is not whole
       })
    EXPECT_TRUE(Maps::parse(text).all().empty()) << text;
}

TEST(Maps, ReadsANameWithANewline) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/two\nlines";
  const ScopedFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(0, ftruncate(fd.get(), 4096));
  void* at = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(MAP_FAILED, at);
  auto path_there = [&]() {
    const auto maps = read_maps(getpid());
    const Mapping* mapping = maps ? maps->at(reinterpret_cast<uint64_t>(at)) : nullptr;
    return mapping != nullptr ? mapping->path : std::string();
  };
  EXPECT_EQ(path, path_there());
  unlink(path.c_str());
  EXPECT_EQ(path + " (deleted)", path_there());
  munmap(at, 4096);
}

TEST(Maps, OfAProcessThatHasGoneIsAnError) {
  const auto maps = read_maps(vanished());
  ASSERT_FALSE(maps);
  EXPECT_EQ(ESRCH, maps.error().code);
}

// A zombie has a file, which is empty.
TEST(Maps, OfAZombieIsAnError) {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(read_maps(pid));
  EXPECT_EQ("", exe_path(pid));
  const auto status = read_status(pid);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->is_zombie());
  EXPECT_FALSE(status->has_memory);
  waitpid(pid, nullptr, 0);
}

TEST(Maps, AreReadFromADescriptorAgainAndAgain) {
  const ScopedFd fd(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  for (int i = 0; i < 2; i++) {
    const auto maps = read_maps_from(fd.get());
    ASSERT_TRUE(maps) << maps.error().message;
    EXPECT_NE(nullptr, maps->at(reinterpret_cast<uint64_t>(&fd)));
  }
}

void end_main_thread() {
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        for (;;) pause();
      },
      nullptr);
  syscall(SYS_exit, 0);
}

TEST(Process, IsReadThroughAnotherThreadWhereItsLeaderHasEnded) {
  const Child child(end_main_thread);
  ASSERT_TRUE(comes_true([&]() {
    const auto status = read_status(child.pid());
    return status && status->is_zombie();
  }));
  EXPECT_EQ(2u, threads_of(child.pid()).size());
  const auto maps = read_maps(child.pid());
  ASSERT_TRUE(maps) << maps.error().message;
  EXPECT_FALSE(maps->all().empty());
  EXPECT_EQ(exe_path(getpid()), exe_path(child.pid()));
  const auto vector = read_auxv(child.pid());
  ASSERT_TRUE(vector) << vector.error().message;
  EXPECT_EQ(getauxval(AT_ENTRY), vector->find(AT_ENTRY));
}

// ---- status

constexpr const char* kStatus =
    "Name:\tTgid:\\n7\n"  // a program chooses its name; the kernel escapes newlines
    "Umask:\t0022\n"
    "State:\tt (tracing stop)\n"
    "Tgid:\t41\n"
    "Ngid:\t0\n"
    "Pid:\t42\n"
    "PPid:\t40\n"
    "TracerPid:\t39\n"
    "Uid:\t1000\t0\t1001\t1002\n"
    "Gid:\t100\t101\t102\t103\n"
    "Groups:\t4 24 27 \n"
    "VmSize:\t    2480 kB\n"
    "Threads:\t3\n"
    "SigQ:\t0/63448\n"
    "SigPnd:\t0000000000000001\n"
    "ShdPnd:\t8000000000000000\n"
    "SigBlk:\t0000000000010000\n"
    "SigIgn:\t0000000000000004\n"
    "SigCgt:\t0000000180000000\n"
    "CapEff:\t0000000000080001\n"
    "NoNewPrivs:\t1\n"
    "Seccomp:\t2\n";

TEST(ProcessStatus, ReadsEachField) {
  const auto status = parse_status(kStatus);
  ASSERT_TRUE(status);
  EXPECT_EQ("Tgid:\\n7", status->name);
  EXPECT_EQ('t', status->state);
  EXPECT_EQ(41, status->tgid);
  EXPECT_EQ(42, status->pid);
  EXPECT_TRUE(status->is_thread());
  EXPECT_EQ(40, status->ppid);
  EXPECT_EQ(39, status->tracer_pid);
  EXPECT_EQ(1000u, status->uid.real);
  EXPECT_EQ(0u, status->uid.effective);
  EXPECT_EQ(1001u, status->uid.saved);
  EXPECT_EQ(1002u, status->uid.file_system);
  EXPECT_EQ(103u, status->gid.file_system);
  EXPECT_TRUE(status->has_memory);
  EXPECT_EQ(3u, status->threads);
  EXPECT_TRUE(status->pending.has(SIGHUP));
  EXPECT_TRUE(status->shared_pending.has(64));
  EXPECT_TRUE(status->blocked.has(SIGCHLD));
  EXPECT_FALSE(status->blocked.has(0));
  EXPECT_TRUE(status->ignored.has(SIGQUIT));
  EXPECT_EQ(SignalSet(0x180000000), status->caught);
  EXPECT_EQ(0x80001u, status->effective_capabilities);
  EXPECT_TRUE(status->no_new_privs);
  EXPECT_EQ(2, status->seccomp);
}

TEST(ProcessStatus, IsNotBelievedWithoutItsIds) {
  const std::string whole = kStatus;
  const size_t ids = whole.find("PPid:");
  for (size_t size = 0; size < ids; size++)
    EXPECT_FALSE(parse_status(whole.substr(0, size))) << size;
  // Cut off later: what is not there is 0, and half a line is not there.
  const auto cut = parse_status(whole.substr(0, whole.find("8000") + 3));
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->shared_pending.empty());
  EXPECT_FALSE(parse_status("Tgid:\tx\nPid:\t\n"));
}

// The kernel writes the name escaped, so it cannot forge another line.
TEST(ProcessStatus, IsNotForgedByAName) {
  const Child child([]() { prctl(PR_SET_NAME, "a\nTgid:\t1"); });
  ASSERT_TRUE(comes_true([&]() {
    const auto status = read_status(child.pid());
    return status && status->name == "a\\nTgid:\t1";
  })) << read_status(child.pid())->name;
  const auto status = read_status(child.pid());
  ASSERT_TRUE(status);
  EXPECT_EQ(child.pid(), status->tgid);
  EXPECT_EQ(getpid(), status->ppid);
}

TEST(ProcessStatus, OfAProcessThatHasGoneIsAnError) {
  const auto status = read_status(vanished());
  ASSERT_FALSE(status);
  EXPECT_EQ(ESRCH, status.error().code);
}

// ---- the rest

TEST(Process, NamesItsThreadsAndItsProgram) {
  EXPECT_THAT(threads_of(getpid()), Contains(getpid()));
  EXPECT_THAT(exe_path(getpid()), testing::EndsWith("/proc_test"));
  const pid_t gone = vanished();
  EXPECT_TRUE(threads_of(gone).empty());
  EXPECT_EQ("", exe_path(gone));
  EXPECT_EQ("", descriptor_target(getpid(), -1));
  int ends[2];
  ASSERT_EQ(0, pipe(ends));
  EXPECT_THAT(descriptor_target(getpid(), ends[0]), testing::StartsWith("pipe:["));
  close(ends[0]);
  close(ends[1]);
}

TEST(Process, AuxiliaryVectorEndsWhereItIsCutOff) {
  const uint64_t words[] = {AT_ENTRY, 7, AT_PHNUM, 8, AT_NULL, 0, AT_BASE, 9};
  const std::string_view bytes(reinterpret_cast<const char*>(words), sizeof words);
  const auto whole = AuxiliaryVector::parse(bytes);
  EXPECT_EQ(7u, whole.find(AT_ENTRY));
  EXPECT_EQ(8u, whole.find(AT_PHNUM));
  EXPECT_EQ(std::nullopt, whole.find(AT_BASE)) << "it stands behind the end";
  const auto cut = AuxiliaryVector::parse(bytes.substr(0, 31));
  EXPECT_EQ(std::nullopt, cut.find(AT_PHNUM));
  const auto live = read_auxv(getpid());
  ASSERT_TRUE(live);
  EXPECT_EQ(getauxval(AT_PHDR), live->find(AT_PHDR));
}

TEST(Process, SaysWhereAThreadIs) {
  const auto in_read = parse_kernel_place("0 0x3 0x7ff 0x1 0x0 0x0 0xffff 0x7ffe 0x7f10\n");
  ASSERT_TRUE(in_read);
  EXPECT_EQ(KernelPlace::Kind::InSyscall, in_read->kind);
  EXPECT_EQ(0, in_read->nr);
  EXPECT_EQ(0xffffu, in_read->args[5]);
  EXPECT_EQ(0x7ffeu, in_read->sp);
  EXPECT_EQ(0x7f10u, in_read->ip);
  EXPECT_EQ(KernelPlace::Kind::Running, parse_kernel_place("running\n")->kind);
  EXPECT_EQ(KernelPlace::Kind::Elsewhere, parse_kernel_place("-1 0x7ffe 0x7f10\n")->kind);
  for (const char* cut :
       {"", "x", "0", "0 0x3", "0 0x3 0x7ff 0x1 0x0 0x0 0xffff 0x7ffe", "-1 0x7ffe"})
    EXPECT_FALSE(parse_kernel_place(cut)) << cut;
  const Child child([]() {});
  EXPECT_TRUE(comes_true([&]() {
    const auto place = read_kernel_place(child.pid());
    return place && place->kind == KernelPlace::Kind::InSyscall && place->nr == SYS_pause;
  }));
}

TEST(Files, ReadNoMoreThanTheyAreAsked) {
  const auto some = read_file("/proc/self/status", 10);
  ASSERT_TRUE(some);
  EXPECT_EQ(10u, some->size());
  EXPECT_EQ("/proc/7/root/a", path_of(7, "root/a"));
}

}  // namespace
}  // namespace wc::proc
