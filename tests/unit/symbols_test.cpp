// Addresses to names and lines: in this process, in children of every kind, and in files that are
// stripped, replaced, deleted or damaged.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/scoped_fd.h"
#include "symbols/demangle.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"

namespace wc {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;

std::string program(const std::string& name) { return SYMBOLS_PROGRAMS "/" + name; }

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "wc-symbols-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path path;
};

// A running fixture program, and what it says of its own call.
class Child {
 public:
  explicit Child(const std::string& path) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
    const ScopedFd child_in(in[0]);
    input_ = ScopedFd(in[1]);
    const ScopedFd output(out[0]);
    {
      const ScopedFd child_out(out[1]);
      posix_spawn_file_actions_t actions;
      posix_spawn_file_actions_init(&actions);
      posix_spawn_file_actions_adddup2(&actions, child_in.get(), STDIN_FILENO);
      posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDOUT_FILENO);
      std::string name = path;
      const std::array<char*, 2> arguments{name.data(), nullptr};
      if (::posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), environ) != 0)
        pid = -1;
      posix_spawn_file_actions_destroy(&actions);
    }
    std::array<char, 100> text = {};
    if (::read(output.get(), text.data(), text.size() - 1) > 0)
      std::sscanf(text.data(), "%lx %u", &return_address, &line);
  }
  ~Child() { finish(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void finish() {
    input_.reset();
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    pid = -1;
  }

  pid_t pid = -1;
  uint64_t return_address = 0;
  uint32_t line = 0;

 private:
  ScopedFd input_;
};

void expect_caller_with_line(const Child& child, Symbolizer& symbolizer) {
  ASSERT_GT(child.line, 0U) << "the program did not start";
  const Location& location = symbolizer.locate(child.pid, child.return_address);
  EXPECT_EQ("caller", location.symbol);
  EXPECT_GT(location.offset, 0U);
  EXPECT_LT(location.offset, 64U);
  EXPECT_EQ("symbols_program.c", location.file);
  EXPECT_EQ(child.line, location.line);
}

// ---- this process ----

struct Here {
  uint64_t address = 0;
  uint32_t line = 0;
};

[[gnu::noinline]] uint64_t return_address() { return address_of(__builtin_return_address(0)); }

struct Place {
  [[gnu::noinline]] static Here here(int /*unused*/) {
    Here here;
    here.line = __LINE__ + 1;
    here.address = return_address();
    return here;
  }
};

TEST(Symbolizer, NamesThisProcessWithSourceLine) {
  Symbolizer symbolizer;
  const Here here = Place::here(1);
  const Location& location = symbolizer.locate(::getpid(), here.address);
  EXPECT_EQ(fs::canonical("/proc/self/exe"), location.object);
  EXPECT_THAT(location.symbol, HasSubstr("Place::here(int)")) << "demangled";
  EXPECT_EQ("symbols_test.cpp", location.file);
  EXPECT_EQ(here.line, location.line);
  EXPECT_GT(location.offset, 0U);
}

// Of libc itself: a sanitizer's library may stand before it.
uint64_t address_in_libc(const char* name) {
  static void* const libc = ::dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
  return address_of(::dlsym(libc, name));
}

TEST(Symbolizer, PrefersThePlainNameAmongAliases) {
  Symbolizer symbolizer;
  for (const char* name : {"write", "printf", "fopen", "getpid"}) {
    const uint64_t address = address_in_libc(name);
    const Location& location = symbolizer.locate(::getpid(), address + 4);
    EXPECT_EQ(name, location.symbol);
    EXPECT_EQ(4U, location.offset);
    EXPECT_THAT(location.object, HasSubstr("libc.so"));
  }
}

TEST(Symbolizer, ACallThatEndsItsFunctionBelongsToIt) {
  Symbolizer symbolizer;
  const uint64_t address = address_in_libc("write");
  // One byte in is the first that has a byte of the function before it.
  EXPECT_EQ("write", symbolizer.locate(::getpid(), address + 1).symbol);
  EXPECT_NE("write", symbolizer.locate(::getpid(), address).symbol)
      << "a return address at the function's start comes from the call before";
}

TEST(Symbolizer, TheVdsoIsAnObjectWithoutSymbols) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with("[vdso]")) continue;
    Symbolizer symbolizer;
    const Location& location = symbolizer.locate(::getpid(), std::stoull(line, nullptr, 16) + 8);
    EXPECT_EQ("[vdso]", location.object);
    EXPECT_EQ("", location.symbol);
    EXPECT_EQ(8U, location.offset);
    return;
  }
  GTEST_SKIP() << "no vdso here";
}

class Memory {
 public:
  Memory(int protection, int flags, int fd, off_t offset)
      : address_(::mmap(nullptr, kSize, protection, flags, fd, offset)) {}
  ~Memory() { ::munmap(address_, kSize); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  [[nodiscard]] uint64_t address() const { return address_of(address_); }

 private:
  static constexpr size_t kSize = 4096;
  void* address_;
};

TEST(Symbolizer, AnonymousMemoryHasNoObject) {
  const Memory memory(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Symbolizer symbolizer;
  const Location& location = symbolizer.locate(::getpid(), memory.address() + 16);
  EXPECT_EQ("", location.object);
  EXPECT_EQ("", location.symbol);
  EXPECT_EQ(memory.address() + 16, location.offset);
}

TEST(Symbolizer, ReadsTheMapAgainAfterAMiss) {
  Symbolizer symbolizer;
  (void)symbolizer.locate(::getpid(), return_address());
  const ScopedFd file(::open(program("symbols_pie").c_str(), O_RDONLY | O_CLOEXEC));
  const Memory memory(PROT_READ | PROT_EXEC, MAP_PRIVATE, file.get(), 0x1000);
  EXPECT_EQ(program("symbols_pie"), symbolizer.locate(::getpid(), memory.address() + 9).object);
}

TEST(Symbolizer, ImpossibleAddressesAreEmpty) {
  Symbolizer symbolizer;
  for (const uint64_t address : {uint64_t{0}, uint64_t{1}, uint64_t{4096}, UINT64_MAX}) {
    const Location& location = symbolizer.locate(::getpid(), address);
    EXPECT_EQ("", location.symbol);
    EXPECT_EQ(address, location.offset);
  }
}

TEST(Symbolizer, AProcessThatIsNotThereIsEmpty) {
  Symbolizer symbolizer;
  EXPECT_EQ("", symbolizer.locate(INT32_MAX, 0x401000).object);
  EXPECT_EQ("", symbolizer.locate(-1, 0x401000).object);
}

// It runs once for each reported call; the target is 100 ns. Generous: sanitizers, busy machines.
// ---- other processes ----

TEST(Symbolizer, NamesChildrenOfEveryForm) {
  Symbolizer symbolizer;
  for (const char* name : {"symbols_pie", "symbols_no-pie", "unindexed", "compressed", "linked"}) {
    SCOPED_TRACE(name);
    const Child child(program(name));
    expect_caller_with_line(child, symbolizer);
    EXPECT_EQ(program(name), symbolizer.locate(child.pid, child.return_address).object);
  }
}

TEST(Symbolizer, AStrippedProgramHasItsAddressForAddr2line) {
  const Child child(program("stripped"));
  Symbolizer symbolizer;
  const Location& location = symbolizer.locate(child.pid, child.return_address);
  EXPECT_EQ(program("stripped"), location.object);
  EXPECT_EQ("", location.symbol);
  EXPECT_EQ("", location.file);
  EXPECT_EQ(child.return_address & 0xfff, location.offset & 0xfff);
  EXPECT_LT(location.offset, 0x10000U);
}

std::string build_id_of(const std::string& path) {
  const std::string command = "readelf -n '" + path + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 512> line;
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    std::array<char, 129> id = {};
    if (std::sscanf(line.data(), " Build ID: %128[0-9a-f]", id.data()) == 1) return id.data();
  }
  return {};
}

TEST(Symbolizer, FindsDebugFilesByBuildId) {
  const std::string id = build_id_of(program("stripped"));
  ASSERT_GT(id.size(), 2U);
  const Folder root;
  const fs::path folder = root.path / ".build-id" / id.substr(0, 2);
  fs::create_directories(folder);
  fs::copy_file(program("linked.debug"), folder / (id.substr(2) + ".debug"));
  const Child child(program("stripped"));
  Symbolizer symbolizer(root.path);
  expect_caller_with_line(child, symbolizer);
}

TEST(Symbolizer, RefusesDebugFilesOfAnotherProgram) {
  const Folder folder;
  fs::copy_file(program("linked"), folder.path / "linked");
  fs::copy_file(program("symbols_no-pie"), folder.path / "linked.debug");
  const Child child(folder.path / "linked");
  Symbolizer symbolizer;
  EXPECT_EQ("", symbolizer.locate(child.pid, child.return_address).symbol);
}

TEST(Symbolizer, DeletedFilesAreReadThroughTheProcess) {
  const Folder folder;
  const std::string path = folder.path / "program";
  fs::copy_file(program("symbols_pie"), path);
  const Child child(path);
  fs::remove(path);
  Symbolizer symbolizer;
  expect_caller_with_line(child, symbolizer);
  EXPECT_EQ(path + " (deleted)", symbolizer.locate(child.pid, child.return_address).object);
}

TEST(Symbolizer, AReplacedFileIsNotTakenForTheOldOne) {
  const Folder folder;
  const std::string path = folder.path / "program";
  fs::copy_file(program("symbols_pie"), path);
  Symbolizer symbolizer;
  {
    const Child child(path);
    expect_caller_with_line(child, symbolizer);
  }
  fs::remove(path);
  fs::copy_file(program("stripped"), path);
  const Child child(path);
  EXPECT_EQ("", symbolizer.locate(child.pid, child.return_address).symbol);
}

TEST(Symbolizer, KnowsADeadProcessUntilItIsForgotten) {
  Symbolizer symbolizer;
  Child child(program("symbols_no-pie"));
  const pid_t pid = child.pid;
  expect_caller_with_line(child, symbolizer);
  child.finish();
  EXPECT_EQ("caller", symbolizer.locate(pid, child.return_address).symbol);
  symbolizer.forget(pid);
  EXPECT_EQ("", symbolizer.locate(pid, child.return_address).symbol);
}

// ---- parts ----

// Without the limit on references this one takes half a gigabyte and two seconds.
TEST(Demangle, ANameThatExplodesStaysMangled) {
  std::string mangled = "_Z1f1aIiiE";
  for (const char* last : {"0_", "1_", "2_", "3_", "4_", "5_", "6_", "7_", "8_", "9_", "A_", "B_",
                           "C_", "D_", "E_", "F_", "G_", "H_", "I_", "J_", "K_", "L_", "M_", "N_"})
    mangled.append("S_IS").append(last).append("S").append(last).append("E");
  EXPECT_EQ(mangled, demangle(mangled));
  EXPECT_EQ("f(a<int, int>)", demangle("_Z1f1aIiiE"));
  EXPECT_EQ("plain_name", demangle("plain_name"));
  EXPECT_EQ("_Znonsense", demangle("_Znonsense"));
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Looks up addresses all over a file in memory.
void look_around(const ScopedFd& file) {
  Module module("file", "/proc/self/fd/" + std::to_string(file.get()), "/nonexistent");
  for (uint64_t offset = 0; offset < 0x3000; offset += 0x55) (void)module.locate(offset);
}

TEST(Damage, EveryPrefixIsSurvived) {
  const std::string content = content_of(program("symbols_pie"));
  const ScopedFd file(::memfd_create("elf", MFD_CLOEXEC));
  ASSERT_EQ(static_cast<ssize_t>(content.size()),
            ::write(file.get(), content.data(), content.size()));
  for (size_t size = content.size(); size > 61; size -= 61) {
    ASSERT_EQ(0, ::ftruncate(file.get(), static_cast<off_t>(size)));
    look_around(file);
  }
}

// Headers, symbols and debug information, byte by byte.
TEST(Damage, EveryDamagedByteIsSurvived) {
  const std::string content = content_of(program("symbols_no-pie"));
  const ScopedFd file(::memfd_create("elf", MFD_CLOEXEC));
  ASSERT_EQ(static_cast<ssize_t>(content.size()),
            ::write(file.get(), content.data(), content.size()));
  for (size_t at = SELFMAG; at < content.size(); at += at < 0x400 ? 1 : 7) {
    const char damage = at % 2 == 0 ? '\xff' : '\x00';
    ASSERT_EQ(1, ::pwrite(file.get(), &damage, 1, static_cast<off_t>(at)));
    look_around(file);
    ASSERT_EQ(1, ::pwrite(file.get(), &content[at], 1, static_cast<off_t>(at)));
  }
}

}  // namespace
}  // namespace wc
