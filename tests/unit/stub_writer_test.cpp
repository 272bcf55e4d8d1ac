// The stub library as a file: binutils, ld.so and our own ELF reader all understand it.
#include "program/stub_writer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>

#include "elf/image.h"
#include "protocol/stub.h"
#include "run_program.h"
#include "temporary_folder.h"

namespace wc {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSocket = "/run/somewhere/socket";
constexpr const char* kNames = "function_%u";

std::vector<StubFunction> functions(unsigned count, bool versions = false) {
  std::vector<StubFunction> result;
  for (unsigned i = 0; i < count; i++) {
    StubFunction f;
    f.name = f.target = "function_" + std::to_string(i);
    f.entry = static_cast<StubEntry>(i % 5);
    f.stack_words = static_cast<uint16_t>(i);
    if (versions) f.version = "V_" + std::to_string(i % 3);
    result.push_back(f);
  }
  return result;
}

// By how many functions it has, and whether they have versions.
class StubLibrary : public testing::TestWithParam<std::pair<unsigned, bool>> {
 protected:
  [[nodiscard]] unsigned count() const { return GetParam().first; }
  [[nodiscard]] bool has_versions() const { return GetParam().second; }
  // What readelf prints; a complaint of its own fails the test.
  std::string readelf(const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {READELF};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(path_);
    const Finished ran = run_program(arguments, {"LC_ALL=C"});
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_THAT(ran.out, Not(ContainsRegex("[Ww]arning|[Ee]rror|corrupt|<unknown>")));
    return ran.out;
  }
  static bool has_readelf() { return std::strstr(READELF, "NOTFOUND") == nullptr && *READELF != 0; }

  TemporaryFolder folder_;
  std::string bytes_ = build_stub_library(functions(count(), has_versions()), 42, kSocket);
  std::string path_ = folder_.write("stubs.so", bytes_);
};

#define NEEDS_READELF() \
  if (!has_readelf()) GTEST_SKIP() << "readelf is not installed"

TEST_P(StubLibrary, DynamicSymbolsAreTheNamesTheTableAndTheEntryPoints) {
  NEEDS_READELF();
  std::istringstream lines(readelf({"-W", "-D", "-s"}));
  std::multiset<std::string> defined, undefined;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, value, size, type, bind, visibility, index, name;
    if (!(words >> number >> value >> size >> type >> bind >> visibility >> index >> name))
      continue;
    if (number == "Num:") continue;
    EXPECT_EQ(bind, "GLOBAL") << line;
    EXPECT_EQ(type, name == WC_STUB_SYMBOL ? "OBJECT" : "FUNC") << line;
    (index == "UND" ? undefined : defined).insert(name.substr(0, name.find('@')));
  }
  std::multiset<std::string> expected = {WC_STUB_SYMBOL};
  for (const auto& f : functions(count())) expected.insert(f.name);
  EXPECT_EQ(defined, expected);
  EXPECT_EQ(undefined,
            (std::multiset<std::string>{"wc_entry", "wc_entry_stack", "wc_entry_va",
                                        "wc_entry_exec", "wc_entry_caller", "wc_entry_late"}));
}

TEST_P(StubLibrary, SegmentsAreNeverWritableAndExecutable) {
  NEEDS_READELF();
  const std::string out = readelf({"-W", "-l"});
  EXPECT_THAT(out, HasSubstr("DYN (Shared object file)"));
  EXPECT_THAT(out, ContainsRegex("LOAD .* R E "));
  EXPECT_THAT(out, ContainsRegex("LOAD .* RW  "));
  EXPECT_THAT(out, ContainsRegex("GNU_STACK .* RW  "));
  EXPECT_THAT(out, ContainsRegex("GNU_EH_FRAME .* R   "));
  EXPECT_THAT(out, Not(HasSubstr("RWE")));
}

TEST_P(StubLibrary, DynamicSectionIsCompleteAndNeedsNoLibrary) {
  NEEDS_READELF();
  const std::string out = readelf({"-W", "-d"});
  for (const char* tag : {"(SONAME)", "(GNU_HASH)", "(SYMTAB)", "(SYMENT)", "(STRTAB)", "(STRSZ)",
                          "(RELA)", "(RELASZ)", "(RELAENT)", "(NULL)"})
    EXPECT_THAT(out, HasSubstr(tag));
  EXPECT_THAT(out, HasSubstr("[libwc_stubs.so]"));
  EXPECT_THAT(out, Not(HasSubstr("(NEEDED)")));
  EXPECT_THAT(out, Not(HasSubstr("(TEXTREL)")));
  EXPECT_EQ(out.find("(VERDEF)") != std::string::npos, has_versions());
}

TEST_P(StubLibrary, NotesRelocationsAndHashTableAreInOrder) {
  NEEDS_READELF();
  readelf({"-W", "-n"});
  readelf({"-W", "-D", "-r"});
  readelf({"-W", "-D", "-I"});
}

TEST_P(StubLibrary, LoadsAndItsHashTableFindsEveryName) {
  const Finished ran =
      run_program({STUB_PROGRAM, "find", WC_SHIM, path_, kNames, std::to_string(count())});
  const std::string number = std::to_string(count());
  EXPECT_EQ(ran.out, number + " found, table of " + number + "\n") << ran.err;
  EXPECT_EQ(ran.status, 0);
}

TEST_P(StubLibrary, OurReaderSeesWhatWasWritten) {
  const auto image = read_image(path_, true);
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(image->soname, "libwc_stubs.so");
  std::multiset<std::string> seen, expected;
  for (const auto& f : image->functions) seen.insert(f.name + "@" + f.version);
  for (const auto& f : functions(count(), has_versions()))
    expected.insert(f.name + "@" + f.version);
  EXPECT_EQ(seen, expected);
}

TEST_P(StubLibrary, TableHasItsRowsInOrder) {
  std::string_view magic("WCS1");
  const size_t at = bytes_.find(magic);
  ASSERT_NE(at, std::string::npos);
  struct wc_stubs head {};
  std::memcpy(&head, &bytes_[at], sizeof head);
  EXPECT_EQ(head.count, count());
  EXPECT_EQ(head.id, 42u);
  EXPECT_STREQ(head.socket_path, kSocket);
  // The rows stand behind it, aligned, so that one never crosses a cache line's border needlessly.
  const size_t rows = (at + sizeof head + 63) / 64 * 64;
  const char* strings = &bytes_[rows + (count() + WC_OWN_SCOPES) * sizeof(wc_function)];
  for (unsigned i = 0; i < count(); i++) {
    wc_function row{};
    std::memcpy(&row, &bytes_[rows + i * sizeof row], sizeof row);
    EXPECT_EQ(row.index, i);
    EXPECT_EQ(row.stack_words, i);
    EXPECT_EQ(strings + row.name, "function_" + std::to_string(i));
    EXPECT_EQ(row.target, row.name);
    EXPECT_EQ(row.real, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Stubs, StubLibrary,
                         testing::Values(std::pair(1u, false), std::pair(7u, false),
                                         std::pair(7u, true), std::pair(3000u, false),
                                         std::pair(3000u, true)),
                         [](const auto& param) {
                           return std::to_string(param.param.first) +
                                  (param.param.second ? "Versioned" : "");
                         });

TEST(StubWriterTest, SocketPathThatFillsItsFieldIsKeptWhole) {
  const std::string longest(WC_SOCKET_PATH_SIZE - 1, 'p');
  const std::string bytes = build_stub_library(functions(1), 1, longest);
  struct wc_stubs head {};
  std::memcpy(&head, &bytes[bytes.find("WCS1")], sizeof head);
  EXPECT_STREQ(head.socket_path, longest.c_str());
}

TEST(StubWriterTest, SameInputGivesTheSameBytes) {
  EXPECT_EQ(build_stub_library(functions(50, true), 1, kSocket),
            build_stub_library(functions(50, true), 1, kSocket));
}

TEST(StubWriterTest, LibraryWithoutFunctionsStillLoads) {
  TemporaryFolder folder;
  const std::string path = folder.write("none.so", build_stub_library({}, 1, kSocket));
  const Finished ran = run_program({STUB_PROGRAM, "find", WC_SHIM, path, kNames, "0"});
  EXPECT_EQ(ran.out, "0 found, table of 0\n") << ran.err;
  EXPECT_EQ(ran.status, 0);
}

}  // namespace
}  // namespace wc
