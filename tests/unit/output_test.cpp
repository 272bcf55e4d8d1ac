// Where back ends write.
#include "backend_host/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "backend_host/backend_set.h"
#include "backend_host/backend_spec.h"
#include "folder_test.h"

namespace wc {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class OutputTest : public FolderTest {};

TEST_F(OutputTest, FileIsCreatedTruncatedAndNotInherited) {
  const std::string file = path("out");
  std::ofstream(file) << "old text that is longer than the new one";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  {
    auto output = Output::open_file(file);
    ASSERT_TRUE(output.ok());
    (*output)->write("new\n");
    EXPECT_EQ(content(file), "") << "not buffered";
    (*output)->flush();
    EXPECT_EQ(content(file), "new\n");
    (*output)->write("more\n");
  }
  EXPECT_EQ(content(file), "new\nmore\n") << "the destructor flushes";
}

TEST_F(OutputTest, NewFileHasModeAndCloseOnExec) {
  const mode_t mask = ::umask(027);
  auto output = Output::open_file(path("out"));
  ::umask(mask);
  struct stat status = {};
  ASSERT_EQ(::stat(path("out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
  bool found = false;
  for (int fd = 3; fd < 256; ++fd) {
    struct stat open = {};
    if (::fstat(fd, &open) != 0 || open.st_ino != status.st_ino) continue;
    found = true;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_TRUE(found);
}

TEST_F(OutputTest, SaysWhichFileCannotBeWritten) {
  const auto output = Output::open_file(path("missing/out"));
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.error().code, ENOENT);
  EXPECT_EQ(output.error().message,
            "cannot write " + path("missing/out") + ": No such file or directory");
}

TEST_F(OutputTest, MoreThanTheBufferKeepsItsOrder) {
  std::string expected;
  auto output = Output::open_file(path("out"));
  for (int i = 0; i < 30; ++i) {
    const std::string piece(static_cast<size_t>(i) * 5000, static_cast<char>('a' + i % 26));
    (*output)->write(piece);
    expected += piece;
  }
  (*output)->close();
  EXPECT_TRUE(content(path("out")) == expected);
}

TEST_F(OutputTest, AFlushReachesFilesAndPipesAlike) {
  auto file = Output::open_file(path("out"));
  (*file)->write("x");
  EXPECT_EQ(content(path("out")), "");
  (*file)->flush();
  EXPECT_EQ(content(path("out")), "x");

  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const ScopedFd reader(ends[0]);
  auto pipe = Output::from_fd(ScopedFd(ends[1]), "pipe");
  char byte = 0;
  for (int i = 0; i < 2; ++i) {
    pipe->write("y");
    pipe->flush();
    EXPECT_EQ(::read(reader.get(), &byte, 1), 1);
  }
  EXPECT_EQ(pipe->columns(), 0U) << "no terminal";
}

TEST_F(OutputTest, AReaderThatLeavesIsNoError) {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto output = Output::from_fd(ScopedFd(ends[1]), "pipe");
  ::close(ends[0]);
  EXPECT_FALSE(output->reader_gone());
  output->write("x");
  output->flush();
  EXPECT_TRUE(output->reader_gone());
  EXPECT_THAT(output->take_error(), IsEmpty());
  output->write("y");
  output->close();
}

TEST_F(OutputTest, AFullDiskIsToldOnce) {
  auto output = Output::open_file("/dev/full");
  ASSERT_TRUE(output.ok());
  (*output)->write("x");
  (*output)->flush();
  EXPECT_EQ((*output)->take_error(),
            "cannot write /dev/full: No space left on device; the rest of the trace is lost");
  (*output)->write("y");
  (*output)->close();
  EXPECT_THAT((*output)->take_error(), IsEmpty());
  EXPECT_FALSE((*output)->reader_gone());
}

TEST_F(OutputTest, ANonBlockingPipeLosesNothing) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  ASSERT_EQ(::fcntl(ends[0], F_SETFL, 0), 0);
  const std::string data(size_t{1} << 20, 'x');
  size_t received = 0;
  std::thread reader([&] {
    const ScopedFd end(ends[0]);
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(end.get(), buffer, sizeof buffer)) > 0;) {
      received += static_cast<size_t>(n);
    }
  });
  auto output = Output::from_fd(ScopedFd(ends[1]), "pipe");
  output->write(data);
  output->close();
  reader.join();
  EXPECT_EQ(received, data.size());
}

}  // namespace
}  // namespace wc
