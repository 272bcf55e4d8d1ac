// The shim is freestanding: what it takes from the program, gives to it, and may touch in it.
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>

#include "shim_disassembly.h"

namespace wc {
namespace {

using testing::Contains;
using testing::ContainsRegex;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

#define NEEDS(tool) \
  if (!is_installed(tool)) GTEST_SKIP() << #tool " is not installed"

// "T wc_entry" without address and version.
std::vector<std::string> dynamic_symbols(const char* option) {
  std::vector<std::string> symbols;
  for (const auto& line : shim_lines(NM, {"-D", option})) {
    std::istringstream words(line);
    std::string word, kind, name;
    while (words >> word) {
      kind = name;
      name = word;
    }
    symbols.push_back(kind + " " + name.substr(0, name.find('@')));
  }
  return symbols;
}

TEST(ShimSymbolsTest, TakesNothingFromTheProgramButTheLinkMapAndTheStubs) {
  NEEDS(NM);
  EXPECT_THAT(dynamic_symbols("--undefined-only"),
              UnorderedElementsAre("U _r_debug", "w wc_stubs"));
}

TEST(ShimSymbolsTest, GivesTheProgramNothingButTheEntryPoints) {
  NEEDS(NM);
  EXPECT_THAT(dynamic_symbols("--defined-only"),
              UnorderedElementsAre("T wc_entry", "T wc_entry_stack", "T wc_entry_va",
                                   "T wc_entry_exec", "T wc_entry_caller", "T wc_entry_late",
                                   "T wc_scope_enter_v1", "T wc_scope_leave_v1"));
}

TEST(ShimSymbolsTest, NeedsTheLoaderOnly) {
  NEEDS(READELF);
  std::vector<std::string> needed;
  for (const auto& line : shim_lines(READELF, {"-W", "-d"}))
    if (line.find("(NEEDED)") != std::string::npos) needed.push_back(line);
  EXPECT_THAT(needed, ElementsAre(HasSubstr("[ld-linux-x86-64.so.2]")));
}

TEST(ShimSymbolsTest, IsInitializedFirstAndBoundAtOnce) {
  NEEDS(READELF);
  const auto lines = shim_lines(READELF, {"-W", "-d"});
  EXPECT_THAT(lines, Contains(ContainsRegex("\\(FLAGS_1\\).*NOW.*INITFIRST")));
  EXPECT_THAT(lines, Each(Not(HasSubstr("TEXTREL"))));
}

TEST(ShimSymbolsTest, ThreadStateIsReachedWithoutACall) {
  NEEDS(READELF);
  EXPECT_THAT(shim_lines(READELF, {"-W", "-d"}),
              Contains(ContainsRegex("\\(FLAGS\\).*STATIC_TLS")));
  const auto relocations = shim_lines(READELF, {"-W", "-r"});
  EXPECT_THAT(relocations, Contains(HasSubstr("R_X86_64_TPOFF64")));
  EXPECT_THAT(relocations, Each(Not(HasSubstr("R_X86_64_DTP"))));
  EXPECT_THAT(relocations, Each(Not(HasSubstr("R_X86_64_TLSDESC"))));
  EXPECT_THAT(relocations, Each(Not(HasSubstr("R_X86_64_JUMP_SLOT")))) << "a call through a PLT";
}

TEST(ShimSymbolsTest, StackIsNotExecutableAndNoSegmentIsWritableCode) {
  NEEDS(READELF);
  const auto lines = shim_lines(READELF, {"-W", "-l"});
  EXPECT_THAT(lines, Contains(ContainsRegex("GNU_STACK .* RW  ")));
  EXPECT_THAT(lines, Each(Not(HasSubstr("RWE"))));
}

// ---- instructions

TEST(ShimSymbolsTest, VectorAndX87RegistersAreReadForVaListsOnly) {
  NEEDS(OBJDUMP);
  const std::regex registers("%([xyz]?mm[0-9]|st[(,0-9]|k[0-7])");
  const std::regex mnemonics("^(f[a-z]|v[a-z]|emms|[a-z]*xsave|[a-z]*xrstor|ldmxcsr|stmxcsr)");
  size_t in_va = 0;
  for (const auto& [name, instructions] : shim_functions()) {
    for (const auto& one : instructions) {
      const bool touches =
          std::regex_search(one.text, registers) || std::regex_search(one.mnemonic(), mnemonics);
      if (!touches) continue;
      EXPECT_EQ(name, "wc_entry_va") << one.text;
      EXPECT_THAT(one.text, ContainsRegex("^movaps +%xmm[0-7],")) << "reads only";
      in_va++;
    }
  }
  EXPECT_EQ(in_va, 8u) << "all registers that carry variadic arguments";
}

TEST(ShimSymbolsTest, EverySyscallInstructionLiesInTheExemptRange) {
  NEEDS(OBJDUMP);
  NEEDS(NM);
  uint64_t begin = 0, end = 0;
  for (const auto& line : shim_lines(NM, {})) {
    std::istringstream words(line);
    std::string address, kind, name;
    words >> address >> kind >> name;
    if (name == "wc_exempt_begin") begin = std::stoull(address, nullptr, 16);
    if (name == "wc_exempt_end") end = std::stoull(address, nullptr, 16);
  }
  ASSERT_LT(begin, end);
  size_t count = 0;
  for (const auto& [name, instructions] : shim_functions()) {
    for (const auto& one : instructions) {
      if (one.mnemonic() != "syscall") {
        EXPECT_THAT(one.mnemonic(), Not(testing::AnyOf("sysenter", "int"))) << name;
        continue;
      }
      count++;
      EXPECT_GE(one.address, begin) << name;
      EXPECT_LE(one.address + 2, end) << name;
    }
  }
  EXPECT_GE(count, 3u) << "wc_syscall, the gadget, the signal return";
}

TEST(ShimSymbolsTest, BreakpointsAreTheBellAndTheGadgetOnly) {
  NEEDS(OBJDUMP);
  std::vector<std::string> with;
  for (const auto& [name, instructions] : shim_functions())
    for (const auto& one : instructions)
      if (one.mnemonic() == "int3") with.push_back(name);
  EXPECT_THAT(with, UnorderedElementsAre("wc_bell_trap", "wc_gadget_syscall"));
}

TEST(ShimSymbolsTest, EntryPointsAreValidTargetsOfIndirectJumps) {
  NEEDS(OBJDUMP);
  const auto functions = shim_functions();
  for (const char* name : {"wc_entry", "wc_entry_stack", "wc_entry_va", "wc_entry_exec",
                           "wc_entry_caller", "wc_entry_late"}) {
    ASSERT_TRUE(functions.count(name)) << name;
    EXPECT_EQ(functions.at(name).front().mnemonic(), "endbr64") << name;
  }
}

}  // namespace
}  // namespace wc
