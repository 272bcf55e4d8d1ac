// The run's private folder: nobody else gets in, nothing is left behind, and what others left is
// swept only when it is certain that they are gone.
#include "session/private_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/scoped_fd.h"
#include "temporary_folder.h"

namespace wc {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class PrivateDirectoryTest : public testing::Test {
 protected:
  void SetUp() override { setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1); }

  static std::optional<PrivateDirectory> create() {
    auto made = PrivateDirectory::create();
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    if (!made.ok()) return std::nullopt;
    return std::optional<PrivateDirectory>(std::move(*made));
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }
  // What a run with this pid would have left.
  std::string leave(pid_t pid) {
    std::string path = folder_ / ("wc-intercept-" + std::to_string(pid) + "-abcdef");
    fs::create_directory(path);
    std::ofstream(path + "/stubs-1.so") << "x";
    std::ofstream(path + "/socket") << "x";
    return path;
  }
  static pid_t dead_pid() {
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    return child;
  }

  TemporaryFolder folder_;
};

TEST_F(PrivateDirectoryTest, IsMadeUnderTheRuntimeFolderForItsOwnerOnly) {
  const mode_t mask = umask(0);
  auto directory = create();
  umask(mask);
  ASSERT_TRUE(directory);
  EXPECT_THAT(directory->path(),
              StartsWith(folder_ / ("wc-intercept-" + std::to_string(getpid()) + "-")));
  EXPECT_EQ(mode_of(directory->path()), 0700u);
}

TEST_F(PrivateDirectoryTest, IsItsOwnersUnderAnyUmask) {
  const mode_t mask = umask(0777);
  auto directory = create();
  const Status written = directory ? directory->write_file("stubs.so", "x") : Error{"none", 0};
  umask(mask);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(mode_of(directory->path()), 0700u);
  EXPECT_EQ(mode_of(directory->path() + "/stubs.so"), 0600u);
}

TEST_F(PrivateDirectoryTest, EachHasANameOfItsOwn) {
  auto one = create(), other = create();
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->path(), other->path());
  EXPECT_TRUE(fs::exists(one->path())) << "our own folders are not swept";
}

TEST_F(PrivateDirectoryTest, FilesAreNewAndForTheirOwnerOnly) {
  auto directory = create();
  ASSERT_TRUE(directory);
  const mode_t mask = umask(0);
  const std::string bytes("a\0b", 3);
  ASSERT_TRUE(directory->write_file("stubs.so", bytes).ok());
  umask(mask);
  EXPECT_EQ(read_file(directory->path() + "/stubs.so"), bytes);
  EXPECT_EQ(mode_of(directory->path() + "/stubs.so"), 0600u);

  const Status again = directory->write_file("stubs.so", "other");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, EEXIST);
  EXPECT_THAT(again.error().message, HasSubstr("stubs.so"));
  EXPECT_EQ(read_file(directory->path() + "/stubs.so"), bytes);
}

TEST_F(PrivateDirectoryTest, SymbolicLinksAreNotFollowed) {
  auto directory = create();
  ASSERT_TRUE(directory);
  const std::string victim = folder_ / "victim";
  fs::create_symlink(victim, directory->path() + "/link");
  EXPECT_FALSE(directory->write_file("link", "x").ok());
  EXPECT_FALSE(fs::exists(victim));
}

TEST_F(PrivateDirectoryTest, IsRemovedWithItsContentAtTheEnd) {
  std::string path;
  {
    auto directory = create();
    ASSERT_TRUE(directory);
    path = directory->path();
    ASSERT_TRUE(directory->write_file("a", "1").ok());
    fs::create_symlink(folder_.write("outside", "kept"), path + "/link");
    PrivateDirectory moved = std::move(*directory);
    directory.reset();
    EXPECT_TRUE(fs::exists(path)) << "what was moved from owns nothing";
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(read_file(folder_ / "outside"), "kept");
}

// ---- sweeping

TEST_F(PrivateDirectoryTest, FolderOfADeadRunIsSwept) {
  const std::string path = leave(dead_pid());
  create();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(PrivateDirectoryTest, FoldersAreSweptInEveryParentAndWhateverTheirMode) {
  TemporaryFolder other;
  setenv("TMPDIR", other.path().c_str(), 1);
  const std::string path = other / "wc-intercept-1-abcdef";
  fs::create_directory(path);
  chmod(path.c_str(), 0);
  create();
  unsetenv("TMPDIR");
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(PrivateDirectoryTest, FoldersOfLiveRunsAreKept) {
  auto live = create();
  ASSERT_TRUE(live);
  // What its pid says does not matter: it may be one of another namespace.
  const std::string renamed = folder_ / ("wc-intercept-" + std::to_string(dead_pid()) + "-abcdef");
  fs::rename(live->path(), renamed);
  std::ofstream(renamed + "/stubs-1.so") << "x";
  create();
  EXPECT_TRUE(fs::exists(renamed + "/stubs-1.so"));
  fs::rename(renamed, live->path());
}

TEST_F(PrivateDirectoryTest, FolderIsSweptWhoeverHasThePidOfTheDeadRunNow) {
  const std::string path = leave(getpid());
  create();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(PrivateDirectoryTest, NothingElseIsSwept) {
  const pid_t dead = dead_pid();
  const std::string number = std::to_string(dead);
  const std::string file = folder_.write("wc-intercept-" + number + "-file", "kept");
  fs::create_directory(folder_ / "target");
  const std::string inside = folder_.write("target/inside", "kept");
  const std::string link = folder_ / ("wc-intercept-" + number + "-link");
  fs::create_directory_symlink(folder_ / "target", link);
  std::vector<std::string> others = {"wc-intercept-",
                                     "wc-intercept-abc",
                                     "wc-intercept--5-abc",
                                     "wc-intercept-0-abc",
                                     "my-wc-intercept-" + number + "-abc",
                                     "wc-other-" + number};
  for (const auto& name : others) fs::create_directory(folder_ / name);
  create();
  EXPECT_EQ(read_file(file), "kept");
  EXPECT_EQ(read_file(inside), "kept");
  EXPECT_TRUE(fs::is_symlink(link));
  for (const auto& name : others) EXPECT_TRUE(fs::exists(folder_ / name)) << name;
}

TEST_F(PrivateDirectoryTest, FolderOfAnotherUserIsNotSwept) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give a folder away";
  const std::string path = leave(dead_pid());
  if (chown(path.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "this root cannot give folders away";
  create();
  EXPECT_TRUE(fs::exists(path));
}

// ---- where it is made

TEST_F(PrivateDirectoryTest, PlacesThatLdPreloadCannotNameArePassedOver) {
  TemporaryFolder next;
  setenv("TMPDIR", next.path().c_str(), 1);
  fs::create_directory(folder_ / "with blank");
  fs::create_directory(folder_ / "with:colon");
  fs::create_directory(folder_ / std::string(80, 'l'));
  for (const std::string& unfit :
       {folder_ / "with blank", folder_ / "with:colon", folder_ / std::string(80, 'l'),
        folder_ / "missing", folder_.write("file", ""), std::string("relative"), std::string()}) {
    setenv("XDG_RUNTIME_DIR", unfit.c_str(), 1);
    auto directory = create();
    ASSERT_TRUE(directory);
    EXPECT_THAT(directory->path(), StartsWith(next.path() + "/")) << unfit;
  }
  unsetenv("TMPDIR");
}

// In a child with mounts of its own; its exit status is 77 where the kernel does not allow that.
int in_private_mounts(const std::function<int()>& body) {
  pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(77);
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(77);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool cover(const std::string& path, unsigned long flags, const char* data = nullptr) {
  return !fs::exists(path) || mount("none", path.c_str(), "tmpfs", flags, data) == 0;
}

TEST_F(PrivateDirectoryTest, NoExecFileSystemsArePassedOver) {
  const std::string noexec = folder_ / "noexec";
  fs::create_directory(noexec);
  const int status = in_private_mounts([&] {
    if (!cover(noexec, MS_NOEXEC)) return 77;
    setenv("XDG_RUNTIME_DIR", noexec.c_str(), 1);
    setenv("TMPDIR", folder_.path().c_str(), 1);
    auto made = PrivateDirectory::create();
    if (!made.ok()) return 1;
    return made->path().rfind(folder_ / "wc-intercept-", 0) == 0 ? 0 : 2;
  });
  if (status == 77) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(status, 0);
}

// Too small from the start, without inodes, or too small for what comes first.
TEST_F(PrivateDirectoryTest, FullFileSystemsArePassedOver) {
  const std::string full = folder_ / "full";
  fs::create_directory(full);
  for (const char* data : {"size=64k", "size=4m,nr_inodes=2", "size=2m"}) {
    const int status = in_private_mounts([&] {
      if (!cover(full, 0, data)) return 77;
      setenv("XDG_RUNTIME_DIR", full.c_str(), 1);
      setenv("TMPDIR", folder_.path().c_str(), 1);
      auto made = PrivateDirectory::create("first", std::string(3 << 20, 'x'));
      if (!made.ok()) return 1;
      if (!fs::is_empty(full)) return 3;
      return made->path().rfind(folder_ / "wc-intercept-", 0) == 0 ? 0 : 2;
    });
    if (status == 77) GTEST_SKIP() << "no mount namespaces here";
    EXPECT_EQ(status, 0) << data;
  }
}

TEST_F(PrivateDirectoryTest, WithoutAnyPlaceTheErrorNamesThoseTried) {
  const std::string output = folder_ / "message";
  ScopedFd file(open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const int status = in_private_mounts([&] {
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("TMPDIR");
    for (const char* path : {"/tmp", "/var/tmp", "/dev/shm"})
      if (!cover(path, MS_RDONLY)) return 77;
    auto made = PrivateDirectory::create();
    if (made.ok()) return 1;
    const std::string& message = made.error().message;
    return write(file.get(), message.data(), message.size()) < 0 ? 2 : 0;
  });
  if (status == 77) GTEST_SKIP() << "no mount namespaces here";
  ASSERT_EQ(status, 0);
  EXPECT_THAT(read_file(output),
              AllOf(HasSubstr("/tmp (Read-only file system), /var/tmp (Read-only file system), "
                              "/dev/shm (Read-only file system)"),
                    HasSubstr("XDG_RUNTIME_DIR")));
}

}  // namespace
}  // namespace wc
