#include "catalog/breakpoint_selection.h"

#include <gmock/gmock.h>

#include "catalog/near_functions.h"

namespace wc {
namespace {

using testing::ElementsAre;
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

TEST(BreakpointSelection, ParametersAsAUserTypesThem) {
  const std::string full = "ns::Box<int, 3>::get(char const*, int) const";
  for (const char* term :
       {"ns::Box<int,3>::get(const char*,int)", "Box<int, 3>::get(char const*, int)", "Box::get",
        "get(char const*, int) const", "Box::get(const char *, int)", "get(*)"})
    EXPECT_TRUE(selects(term, "_ZNK2ns3BoxIiLi3EE3getEPKci", full)) << term;
  for (const char* term : {"Box<int,4>::get", "get(const char*)", "get(char*, int)"})
    EXPECT_FALSE(selects(term, "_ZNK2ns3BoxIiLi3EE3getEPKci", full)) << term;
  EXPECT_TRUE(selects("ns::twice<int>(int)", "_Z", "int ns::twice<int>(int)"));
  EXPECT_TRUE(selects("tagged(int)", "_Z", "ns::tagged[abi:cxx11](int)"));
}

// Not every star and bracket is a glob's: a name is looked for in libraries too.
TEST(BreakpointSelection, WhatIsAGlob) {
  for (const char* name :
       {"f(char*)", "f(char const*, int **)", "main.(*T).Do", "ns::operator*", "C::operator[]",
        "<*const T as r::Sp>::f", "<[u8] as r::Sp>::f", "f[abi:cxx11]", "C::operator bool"})
    EXPECT_FALSE(terms(name).at(0).is_glob) << name;
  for (const char* glob : {"f*", "f(*)", "Box<*>::get", "f[ab]", "?", "main.*", "f(int, *)"})
    EXPECT_TRUE(terms(glob).at(0).is_glob) << glob;
}

TEST(BreakpointSelection, BlanksInsideNames) {
  auto list = terms("C::operator bool,f(int) const, {unnamed type#1}::g ns::operator<,h");
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(list[0].pattern, "C::operator bool");
  EXPECT_EQ(list[1].pattern, "f(int) const");
  EXPECT_EQ(list[2].pattern, "{unnamed type#1}::g");
  EXPECT_EQ(list[3].pattern, "ns::operator<");
}

TEST(BreakpointSelection, Rust) {
  const char* legacy = "_ZN1r5parse17h086b0cfd890a8ea9E";
  for (const char* term :
       {"r::parse", "parse", "r::parse::h086b0cfd890a8ea9", legacy, "r::*", "r::parse::*"})
    EXPECT_TRUE(selects(term, legacy, "r::parse")) << term;
  EXPECT_FALSE(selects("h086b0cfd890a8ea8", legacy, "r::parse"));
  EXPECT_EQ(names_of(legacy, "r::parse").plain, "r::parse");
  for (const char* term : {"r::Foo::speak", "Sp::speak", "speak", "<r::Foo<u32> as r::Sp>::speak"})
    EXPECT_TRUE(selects(term, "_RNvX", "<r::Foo<u32> as r::Sp>::speak")) << term;
  EXPECT_TRUE(selects("core::ptr::drop_in_place", "_R", "core::ptr::drop_in_place::<r::Foo<u32>>"));
}

TEST(BreakpointSelection, OtherLanguages) {
  for (const char* term : {"work", "m::work", "__m_MOD_work"})
    EXPECT_TRUE(selects(term, "__m_MOD_work", "m::work")) << term;
  EXPECT_TRUE(selects("inner", "inner.0", "inner.0"));  // contained, or gcc's nested in C
  const char* go = "net/http.(*Client).Do";
  for (const char* term : {go, "http.(*Client).Do", "Client.Do", "(*Client).Do", "Do"})
    EXPECT_TRUE(selects(term, go, go)) << term;
  for (const char* term : {"app.parse", "parse", "app.parse(int)", "_D3app5parseFiZi"})
    EXPECT_TRUE(selects(term, "_D3app5parseFiZi", "app.parse(int)")) << term;
  EXPECT_TRUE(selects("List.map", "camlStdlib__List__map_485", "Stdlib.List.map"));
  EXPECT_TRUE(selects("main::{lambda(int)#1}::operator()", "_Z",
                      "main::{lambda(int)#1}::operator()(int) const"));
}

std::vector<std::string> near(std::string_view term,
                              std::initializer_list<std::string_view> demangled) {
  NearFunctions near(terms(term).at(0));
  for (std::string_view name : demangled) near.add(names_of("_Z", std::string(name)));
  return near.nearest();
}

TEST(BreakpointSelection, DidYouMean) {
  EXPECT_THAT(near("wrok", {"m::work", "other::thing"}), ElementsAre("work"));
  EXPECT_THAT(near("m::wrok", {"m::work", "n::work"}), testing::Contains("m::work"));
  EXPECT_THAT(near("r::Foo::spaek", {"<r::Foo<u32> as r::Sp>::speak"}),
              ElementsAre("r::Foo::speak"));
  EXPECT_THAT(near("http.Client.Od", {"net/http.(*Client).Do"}), ElementsAre("http.Client.Do"));
  // The name is right, the parameters are not.
  EXPECT_THAT(near("ns::f(std::string)", {"ns::f(std::basic_string<char>)", "ns::g(std::string)"}),
              ElementsAre("ns::f(std::basic_string<char>)"));
}

}  // namespace
}  // namespace wc
