#include "catalog/breakpoint_selection.h"

#include <gmock/gmock.h>

namespace wc {
namespace {

using testing::HasSubstr;

std::vector<BreakTerm> terms(std::string_view list) {
  auto parsed = parse_breakpoints(list);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  return parsed ? *parsed : std::vector<BreakTerm>{};
}

std::string error(std::string_view list) {
  auto parsed = parse_breakpoints(list);
  return parsed ? "(accepted)" : parsed.error().message;
}

bool selects(std::string_view term, std::string_view symbol, std::string demangled) {
  return matches(terms(term).at(0), names_of(symbol, std::move(demangled)));
}

TEST(BreakpointSelection, SplitsAtCommasAndBlanks) {
  auto list = terms("hello1 hello2,\t!hello3,, ");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].pattern, "hello1");
  EXPECT_FALSE(list[1].exclude);
  EXPECT_TRUE(list[2].exclude);
  EXPECT_EQ(list[2].pattern, "hello3");
  EXPECT_TRUE(terms(" ").empty());
}

TEST(BreakpointSelection, ParametersAreOneTerm) {
  auto list = terms("ns::f(int, char const*) Box<int, 3>::get");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].pattern, "ns::f(int, char const*)");
  EXPECT_EQ(list[1].pattern, "Box<int, 3>::get");
}

TEST(BreakpointSelection, SourceAndLibrary) {
  BreakTerm term = terms("!main.c:parse*@libfoo").at(0);
  EXPECT_TRUE(term.exclude);
  EXPECT_TRUE(term.is_glob);
  EXPECT_EQ(term.source, "main.c");
  EXPECT_EQ(term.pattern, "parse*");
  EXPECT_EQ(term.library, "libfoo");
  EXPECT_EQ(terms("a.cc:ns::f").at(0).pattern, "ns::f");
  EXPECT_EQ(terms("ns::f").at(0).source, "");
}

TEST(BreakpointSelection, WhatIsRefused) {
  EXPECT_THAT(error("f@"), HasSubstr("no library is named"));
  EXPECT_THAT(error("main.c:12"), HasSubstr("main.c:NAME"));
  EXPECT_THAT(error(":f"), HasSubstr("no source file"));
  EXPECT_THAT(error("!"), HasSubstr("no function is named"));
  EXPECT_THAT(error("f[a"), HasSubstr("not closed"));
}

TEST(BreakpointSelection, NamesOfC) {
  EXPECT_TRUE(selects("hello", "hello", "hello"));
  EXPECT_FALSE(selects("hell", "hello", "hello"));
  EXPECT_TRUE(selects("hel*", "hello", "hello"));
  EXPECT_TRUE(selects("parse", "parse.constprop.0", "parse.constprop.0"));
  EXPECT_FALSE(selects("parse", "parse.cold", "parse.cold"));
}

TEST(BreakpointSelection, NamesOfCPlusPlus) {
  const std::string full = "shop::Basket::add(int) const";
  for (const char* term : {"_ZNK4shop6Basket3addEi", "shop::Basket::add", "Basket::add", "add",
                           "shop::Basket::add(int) const", "Basket::add*", "shop::*"})
    EXPECT_TRUE(selects(term, "_ZNK4shop6Basket3addEi", full)) << term;
  for (const char* term : {"asket::add", "Basket", "shop::add", "dd"})
    EXPECT_FALSE(selects(term, "_ZNK4shop6Basket3addEi", full)) << term;
}

TEST(BreakpointSelection, Templates) {
  const std::string full = "int shop::twice<int>(int)";
  for (const char* term : {"twice", "shop::twice", "twice<int>", "shop::twice<int>", "twice*"})
    EXPECT_TRUE(selects(term, "_ZN4shop5twiceIiEET_S1_", full)) << term;
  EXPECT_FALSE(selects("twice<long>", "_ZN4shop5twiceIiEET_S1_", full));
}

TEST(BreakpointSelection, TheNameThatIsReported) {
  EXPECT_EQ(names_of("_Z1fi", "f(int)").plain, "f");
  EXPECT_EQ(names_of("_Z", "ns::Box<int>::operator()(int) const").plain,
            "ns::Box<int>::operator()");
  EXPECT_EQ(names_of("_Z", "(anonymous namespace)::f(char)").plain, "(anonymous namespace)::f");
  EXPECT_EQ(names_of("_Z", "std::vector<int> ns::make<int>(int (*)(int))").plain, "ns::make<int>");
}

}  // namespace
}  // namespace wc
