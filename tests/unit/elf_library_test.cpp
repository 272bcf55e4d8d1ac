// Where libraries are found. The loader itself and ldconfig are the oracles.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

#include "elf/image.h"
#include "elf/ld_so_cache.h"
#include "elf/search_path.h"
#include "elf_craft.h"

namespace wc {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

std::vector<std::string> run(const std::string& command) {
  std::vector<std::string> lines;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  char line[4096];
  while (pipe != nullptr && std::fgets(line, sizeof line, pipe.get()) != nullptr)
    lines.emplace_back(line, std::strcspn(line, "\n"));
  return lines;
}

// "\tlibc.so.6 => /lib/.../libc.so.6 (0x7f...)" and "\t/lib64/ld-linux-x86-64.so.2 (0x7f...)"
std::vector<std::string> libraries_by_loader(const std::string& program,
                                             const std::string& environment) {
  std::vector<std::string> paths;
  for (const auto& line : run(environment + " LD_TRACE_LOADED_OBJECTS=1 '" + program + "'")) {
    const size_t slash = line.find('/');
    if (slash != std::string::npos) paths.push_back(line.substr(slash, line.find(" (") - slash));
  }
  return paths;
}

std::vector<std::string> libraries_by_us(const std::string& program, const std::string& path = "") {
  const auto image = read_image(program, false);
  if (!image) return {image.error().message};
  LibraryCache cache;
  std::vector<std::string> paths;
  for (const auto& library : cache.closure(*image, path)) paths.push_back(library->path);
  return paths;
}

// The tracing loader lists itself last when it was loaded only because it is the interpreter.
void expect_as_loader(std::vector<std::string> ours, std::vector<std::string> loaders) {
  EXPECT_FALSE(loaders.empty());
  std::erase(ours, kLoader);
  std::erase(loaders, kLoader);
  EXPECT_EQ(loaders, ours);
}

TEST(Closure, IsTheLoadersForSystemPrograms) {
  for (const char* program : {"/proc/self/exe", "/bin/ls", "/bin/bash", "/usr/bin/python3",
                              "/usr/bin/cmake", "/usr/bin/gdb", "/usr/bin/git"}) {
    if (::access(program, R_OK) != 0) continue;
    SCOPED_TRACE(program);
    const std::string real = fs::canonical(program);
    expect_as_loader(libraries_by_us(real), libraries_by_loader(real, ""));
  }
}

TEST(Closure, HasTheLoaderWhenItIsNeeded) {
  EXPECT_THAT(libraries_by_us("/bin/ls"), Contains(kLoader)) << "libc.so.6 needs it";
}

TEST(Closure, RpathServesTheLibrariesOfLibraries) {
  const auto ours = libraries_by_us(ELF_rpath_PROGRAM);
  expect_as_loader(ours, libraries_by_loader(ELF_rpath_PROGRAM, ""));
  EXPECT_THAT(ours, Contains(HasSubstr("inner")));
}

TEST(Closure, RunpathServesOnlyTheProgramItself) {
  const auto ours = libraries_by_us(ELF_runpath_PROGRAM);
  expect_as_loader(ours, libraries_by_loader(ELF_runpath_PROGRAM, ""));
  EXPECT_THAT(ours, Contains(HasSubstr("outer")));
  EXPECT_THAT(ours, Not(Contains(HasSubstr("inner")))) << "left out: it cannot be found";
}

TEST(Closure, LdLibraryPathServesEverything) {
  const std::string folder = fs::path(ELF_runpath_PROGRAM).parent_path() / "inner";
  for (const std::string& list : {folder, "/nonexistent:" + folder, "/nonexistent;" + folder,
                                  std::string("$ORIGIN/inner"), folder + "/"}) {
    SCOPED_TRACE(list);
    const auto ours = libraries_by_us(ELF_runpath_PROGRAM, list);
    EXPECT_THAT(ours, Contains(HasSubstr("inner")));
    expect_as_loader(ours,
                     libraries_by_loader(ELF_runpath_PROGRAM, "LD_LIBRARY_PATH='" + list + "'"));
  }
}

TEST(Closure, LdLibraryPathComesBeforeRunpathButBehindRpath) {
  Folder folder;
  for (const char* kind : {"rpath", "runpath"}) {
    const std::string name = std::string("libelf_") + kind + "_outer.so";
    const std::string program =
        kind == std::string("rpath") ? ELF_rpath_PROGRAM : ELF_runpath_PROGRAM;
    fs::copy_file(fs::path(program).parent_path() / "outer" / name, folder / name);
    const auto ours = libraries_by_us(program, folder / "");
    expect_as_loader(ours, libraries_by_loader(program, "LD_LIBRARY_PATH=" + (folder / "")));
  }
}

TEST(Closure, SkipsFilesOfOtherArchitecturesInASearchPath) {
  Folder folder;
  folder.write("libc.so.6", craft<Elf32Types>({.machine = EM_386}));
  EXPECT_THAT(libraries_by_us("/bin/ls", folder / ""), Not(Contains(folder / "libc.so.6")));
}

TEST(Closure, OfAMuslProgramIsMuslsOwn) {
  Folder folder;
  const std::string loader = folder.write("ld-musl-x86_64.so.1", craft<Elf64Types>({}));
  const std::string program = folder.write(
      "program", craft<Elf64Types>({.interpreter = loader, .needed = {"libc.so", "libm.so"}}));
  EXPECT_THAT(libraries_by_us(program), ElementsAre(loader));
}

TEST(Closure, EndsWhenLibrariesNeedEachOther) {
  Folder folder;
  folder.write("liba.so", craft<Elf64Types>({.needed = {"libb.so"}}));
  folder.write("libb.so", craft<Elf64Types>({.needed = {"liba.so", "libb.so"}}));
  const std::string program =
      folder.write("p", craft<Elf64Types>({.interpreter = kLoader, .needed = {"liba.so"}}));
  EXPECT_THAT(libraries_by_us(program, folder / ""),
              ElementsAre(folder / "liba.so", folder / "libb.so"));
}

TEST(Closure, OneFileUnderTwoNamesIsLoadedOnce) {
  Folder folder;
  folder.write("liba.so", craft<Elf64Types>({}));
  fs::create_symlink("liba.so", folder / "libalias.so");
  const std::string program = folder.write(
      "p", craft<Elf64Types>({.interpreter = kLoader, .needed = {"liba.so", "libalias.so"}}));
  EXPECT_THAT(libraries_by_us(program, folder / ""), ElementsAre(folder / "liba.so"));
}

TEST(LibraryCache, SharesImagesUntilTheFileChanges) {
  Folder folder;
  LibraryCache cache;
  EXPECT_EQ(nullptr, cache.find("liba.so", folder / ""));
  folder.write("liba.so", craft<Elf64Types>({}));
  const auto first = cache.find("liba.so", folder / "");
  ASSERT_NE(nullptr, first);
  EXPECT_EQ(first, cache.find("liba.so", folder / ""));
  EXPECT_EQ(first, cache.find(folder / "liba.so", "")) << "by path, as dlopen takes it";
  folder.write("liba.so", craft<Elf64Types>({.needed = {"libc.so.6"}}));
  const auto second = cache.find("liba.so", folder / "");
  EXPECT_THAT(second->needed, ElementsAre("libc.so.6"));
  EXPECT_THAT(first->needed, IsEmpty()) << "who holds the old image keeps it";
}

// Runs at each exec of each traced process. Generous factor: sanitizers and busy machines.
TEST(LibraryCache, CostsLittleAfterTheFirstLook) {
  const auto image = read_image("/proc/self/exe", false);
  LibraryCache cache;
  ASSERT_THAT(cache.closure(*image, ""), Not(IsEmpty()));
  auto best = std::chrono::nanoseconds::max();
  for (int i = 0; i < 50; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    (void)cache.closure(*image, "");
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begin);
  }
  EXPECT_LT(best, std::chrono::microseconds(600));
}

// ---- search lists ----

TEST(SearchPath, ReplacesTokensAndOnlyThose) {
  EXPECT_EQ("/opt/app/../lib", expand_tokens("$ORIGIN/../lib", "/opt/app"));
  EXPECT_EQ("/opt/app/lib", expand_tokens("${ORIGIN}/lib", "/opt/app"));
  EXPECT_EQ("$ORIGINAL/${ORIGIN/$", expand_tokens("$ORIGINAL/${ORIGIN/$", "/opt/app"));
  EXPECT_EQ("/x/x86_64", expand_tokens("/x/$PLATFORM", "").substr(0, 9));
  EXPECT_THAT(expand_tokens("/$LIB", ""), testing::StartsWith("/lib"));
}

TEST(SearchPath, AnEmptyElementIsTheCurrentFolder) {
  EXPECT_THAT(split_search_path("/a:", ""), ElementsAre("/a", "."));
  EXPECT_THAT(split_search_path("", ""), IsEmpty());
  EXPECT_THAT(split_search_path("/a;b", ""), ElementsAre("/a;b"));
  EXPECT_THAT(split_environment_path("/a;/b:/c/", ""), ElementsAre("/a", "/b", "/c"));
}

// ---- ld.so.cache ----

TEST(LdSoCache, AgreesWithLdconfig) {
  std::map<std::string, std::string> expected;
  for (const auto& line : run("/sbin/ldconfig -p 2>/dev/null")) {
    const size_t type = line.find(" (libc6,x86-64)");
    const size_t arrow = line.find(" => ");
    if (type == std::string::npos || arrow == std::string::npos) continue;
    expected.emplace(line.substr(1, type - 1), line.substr(arrow + 4));
  }
  if (expected.empty()) GTEST_SKIP() << "no ldconfig here";
  const LibraryPaths ours = parse_ld_so_cache(content_of("/etc/ld.so.cache"));
  EXPECT_EQ(expected, (std::map<std::string, std::string>(ours.begin(), ours.end())));
}

TEST(LdSoCache, SurvivesEveryTruncationAndDamage) {
  const std::string cache = content_of("/etc/ld.so.cache").substr(0, 8192);
  for (size_t size = 0; size < cache.size(); size += size < 512 ? 1 : 61)
    (void)parse_ld_so_cache(std::string_view(cache).substr(0, size));
  for (size_t at = 0; at < std::min<size_t>(cache.size(), 512); ++at) {
    std::string damaged = cache;
    damaged[at] = '\xff';
    (void)parse_ld_so_cache(damaged);
  }
  EXPECT_THAT(parse_ld_so_cache("no cache at all"), IsEmpty());
}

}  // namespace
}  // namespace wc
