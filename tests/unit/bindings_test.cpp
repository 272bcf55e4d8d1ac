// What references bind to, by name and version in load order; and the words behind ld.so.
#include "elf/bindings.h"

#include <gmock/gmock.h>

#include "elf/loader_command.h"

namespace wc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ExportedFunction function(std::string name, std::string version = "") {
  return {.name = std::move(name), .version = std::move(version)};
}

ExportedFunction hidden(std::string name, std::string version) {
  ExportedFunction one = function(std::move(name), std::move(version));
  one.default_version = false;
  return one;
}

ExportedFunction oldest(ExportedFunction one) {
  one.oldest_version = true;
  return one;
}

std::shared_ptr<const Image> library(std::string soname, std::vector<ExportedFunction> functions,
                                     std::vector<std::string> variables = {}) {
  Image image;
  image.soname = std::move(soname);
  image.functions = std::move(functions);
  image.variables = std::move(variables);
  return std::make_shared<const Image>(std::move(image));
}

// "name of library" with a word for each definition: its version, "dlsym" if that gets it, "bare"
// if references without a version get it although it is hidden.
std::vector<std::string> bound(const Images& start, const Images& late = {}) {
  std::vector<std::string> lines;
  for (const BoundFunction& one : bind_functions(start, late)) {
    std::string line = std::string(one.name) + " of " + one.library->soname;
    if (one.is_libcs) line += ", libc's";
    if (one.is_late) line += ", late";
    for (const Definition& definition : one.definitions) {
      line += ": " + definition.function->version;
      if (definition.takes_newest) line += " dlsym";
      if (definition.takes_unversioned) line += " bare";
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(BindingsTest, FirstLibraryInLoadOrderHidesOthersIfItHasNoVersions) {
  EXPECT_THAT(bound({library("liba.so", {function("f")}), library("libb.so", {function("f")}),
                     library("libc.so.6", {function("f", "GLIBC_2.2.5")})}),
              ElementsAre("f of liba.so, libc's:  dlsym"));
}

TEST(BindingsTest, VersionsOfOneNameAreReachedEachInItsLibrary) {
  EXPECT_THAT(
      bound({library("liba.so", {function("f", "A_1")}),
             library("libc.so.6", {hidden("f", "GLIBC_2.2.5"), function("f", "GLIBC_2.3")})}),
      ElementsAre("f of liba.so: A_1 dlsym", "f of libc.so.6, libc's: GLIBC_2.2.5: GLIBC_2.3"));
}

TEST(BindingsTest, SameVersionInALaterLibraryIsNotReached) {
  EXPECT_THAT(bound({library("libpthread.so.0", {function("read", "GLIBC_2.2.5")}),
                     library("libc.so.6", {function("read", "GLIBC_2.2.5")})}),
              ElementsAre("read of libpthread.so.0, libc's: GLIBC_2.2.5 dlsym"));
}

TEST(BindingsTest, OldestVersionServesReferencesWithoutOneThoughItIsHidden) {
  EXPECT_THAT(bound({library("libc.so.6", {oldest(hidden("f", "V_1")), function("f", "V_2"),
                                           hidden("only", "V_2"), oldest(hidden("old", "V_1"))})}),
              ElementsAre("f of libc.so.6, libc's: V_1 bare: V_2 dlsym",
                          "only of libc.so.6, libc's: V_2", "old of libc.so.6, libc's: V_1 bare"));
}

TEST(BindingsTest, OldestVersionBehindALibraryThatServesThemDoesNot) {
  EXPECT_THAT(bound({library("liba.so", {function("f", "A_1")}),
                     library("libb.so", {oldest(hidden("f", "B_1"))})}),
              ElementsAre("f of liba.so: A_1 dlsym", "f of libb.so: B_1"));
  EXPECT_THAT(bound({library("liba.so", {oldest(hidden("f", "A_1"))}),
                     library("libb.so", {function("f", "B_1")})}),
              ElementsAre("f of liba.so: A_1 bare", "f of libb.so: B_1 dlsym"));
}

TEST(BindingsTest, VariableInFrontHidesAFunction) {
  EXPECT_THAT(bound({library("liba.so", {}, {"error"}), library("libb.so", {function("error")})}),
              IsEmpty());
  EXPECT_THAT(bound({library("liba.so", {function("error")}), library("libb.so", {}, {"error"})}),
              ElementsAre("error of liba.so:  dlsym"));
}

TEST(BindingsTest, LoaderCountsForNothing) {
  EXPECT_THAT(bound({library("ld-linux-x86-64.so.2", {function("_dl_start")})}), IsEmpty());
}

TEST(BindingsTest, ReplacementOfLibcsFunctionIsOneThatItsReferencesGet) {
  auto libc = library("libc.so.6", {function("malloc", "GLIBC_2.2.5")});
  EXPECT_THAT(bound({library("libjemalloc.so.2", {function("malloc")}), libc}),
              ElementsAre("malloc of libjemalloc.so.2, libc's:  dlsym"));
  EXPECT_THAT(
      bound({library("libown.so", {function("malloc", "OWN_1")}), libc}),
      ElementsAre("malloc of libown.so: OWN_1 dlsym", "malloc of libc.so.6, libc's: GLIBC_2.2.5"));
}

TEST(BindingsTest, WhatDlopenBringsIsLateUnlessItIsThere) {
  EXPECT_THAT(bound({library("liba.so", {function("f")})},
                    {library("libz.so.1", {function("f"), function("crc32")})}),
              ElementsAre("f of liba.so:  dlsym", "crc32 of libz.so.1, late:  dlsym"));
}

// ---- ld.so as a program

TEST(LoaderCommandTest, ProgramStandsBehindTheOptions) {
  const LoaderCommand plain = parse_loader_command({"ld.so", "/bin/ls", "--help"});
  EXPECT_EQ(plain.program, "/bin/ls");
  EXPECT_FALSE(plain.library_path.has_value());
  const LoaderCommand command =
      parse_loader_command({"ld.so", "--inhibit-cache", "--library-path", "/a:/b", "--preload",
                            "x.so y.so:z.so", "--argv0", "name", "./prog", "--list"});
  EXPECT_EQ(command.program, "./prog");
  EXPECT_EQ(command.library_path, "/a:/b");
  EXPECT_THAT(command.preloads, ElementsAre("x.so", "y.so", "z.so"));
}

TEST(LoaderCommandTest, WhatListsOrExplainsRunsNothing) {
  using Words = std::vector<std::string>;
  for (const Words& words :
       {Words{"ld.so"}, Words{"ld.so", "--list", "/bin/ls"}, Words{"ld.so", "--verify", "/bin/ls"},
        Words{"ld.so", "--help"}, Words{"ld.so", "--library-path"},
        Words{"ld.so", "--unknown", "/bin/ls"}})
    EXPECT_EQ(parse_loader_command(words).program, "") << words.back();
}

TEST(LoaderCommandTest, LoaderIsToldFromPrograms) {
  auto image = read_image("/lib64/ld-linux-x86-64.so.2", false);
  ASSERT_TRUE(image.ok());
  EXPECT_TRUE(is_loader(*image));
  auto own = read_image("/proc/self/exe", false);
  ASSERT_TRUE(own.ok());
  EXPECT_FALSE(is_loader(*own));
}

}  // namespace
}  // namespace wc
