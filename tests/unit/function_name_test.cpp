#include "names/function_name.h"

#include <gmock/gmock.h>

#include <chrono>

namespace wc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

TEST(FunctionName, CPlusPlusLosesResultParametersAndTags) {
  EXPECT_EQ(plain_name("f(int)"), "f");
  EXPECT_EQ(plain_name("std::vector<int> ns::make<int>(int (*)(int))"), "ns::make<int>");
  EXPECT_EQ(plain_name("ns::tagged[abi:cxx11](int)"), "ns::tagged");
  EXPECT_EQ(plain_name("parse(int) [clone .constprop.0]"), "parse");
  EXPECT_EQ(plain_name("int (*ns::f<int>(int))(char)"), "ns::f<int>");
  EXPECT_EQ(split_name("int (*ns::f<int>(int))(char)").parameters, "(int)");
  EXPECT_EQ(plain_name("ns::f(std::function<int (char)>) const &"), "ns::f");
}

TEST(FunctionName, OperatorsAndLambdas) {
  EXPECT_EQ(plain_name("ns::C::operator()(int) const"), "ns::C::operator()");
  EXPECT_EQ(plain_name("bool ns::operator< <int>(ns::B<int>, ns::B<int>)"), "ns::operator< <int>");
  EXPECT_EQ(plain_name("ns::C::operator->() const"), "ns::C::operator->");
  EXPECT_EQ(plain_name("ns::C::operator char const*() const"), "ns::C::operator char const*");
  EXPECT_EQ(plain_name("ns::C::f(int) const::{lambda(int)#1}::operator()(int) const"),
            "ns::C::f(int) const::{lambda(int)#1}::operator()");
}

TEST(FunctionName, OtherLanguagesHaveNoParametersToLose) {
  for (const char* name :
       {"parse", "main.(*T).Do", "type:.eq.struct { F func(int) }", "<(u8, u8) as r::Sp>::speak",
        "<fn(u32) -> u32 as r::Sp>::speak", "m::work", "r::main::{closure#0}", "Stdlib.(",
        "(anonymous namespace)::"})
    EXPECT_EQ(plain_name(name), name);
  EXPECT_EQ(plain_name("app.map!(int).map(int)"), "app.map!(int).map");  // D's have
}

TEST(FunctionName, EverySpelling) {
  EXPECT_THAT(spellings("ns::Box<int, 3>::get"),
              ElementsAre("ns::Box<int, 3>::get", "ns::Box::get"));
  EXPECT_THAT(spellings("core::ptr::drop_in_place::<r::Foo<u32>>"),
              Contains("core::ptr::drop_in_place"));
  auto of_trait = spellings("<r::Foo<u32> as r::Sp<u8>>::speak::<u16>");
  for (const char* name : {"<r::Foo as r::Sp>::speak", "r::Foo::speak", "r::Sp::speak"})
    EXPECT_THAT(of_trait, Contains(name));
  EXPECT_THAT(spellings("<r::Foo<u32>>::new"), Contains("r::Foo::new"));
  EXPECT_THAT(spellings("main.(*T).Do"), Contains("main.T.Do"));
  EXPECT_THAT(spellings("main.Map[go.shape.int_0]"), Contains("main.Map"));
  EXPECT_THAT(spellings("ns::operator<"), ElementsAre("ns::operator<"));
}

TEST(FunctionName, ScopesOfEveryLanguage) {
  EXPECT_EQ(behind_scope("ns::C::f"), "C::f");
  EXPECT_EQ(behind_scope("ns::Box<a::b>::f"), "Box<a::b>::f");
  EXPECT_EQ(behind_scope("<a::b as c::d>::f"), "f");
  EXPECT_EQ(behind_scope("net/http.(*Client).Do"), "http.(*Client).Do");
  EXPECT_EQ(behind_scope("http.(*Client).Do"), "(*Client).Do");
  EXPECT_EQ(behind_scope("glob..func1"), "func1");
  EXPECT_EQ(behind_scope("Stdlib.List.map"), "List.map");
  for (const char* whole :
       {"f", "parse.constprop.0", "parse.cold", "inner.0", ".L1", "f.isra.0", ""})
    EXPECT_EQ(behind_scope(whole), "") << whole;
}

TEST(FunctionName, BlanksAndConst) {
  EXPECT_EQ(tight_name("f(const char*,int)"), tight_name("f(char const*, int)"));
  EXPECT_EQ(tight_name("Box< const int , 3 >::get"), tight_name("Box<int const, 3>::get"));
  EXPECT_EQ(tight_name("f(const ns::B<const char*>&)"), tight_name("f(ns::B<char const*> const&)"));
  EXPECT_NE(tight_name("f(unsigned int)"), tight_name("f(unsignedint)"));
}

// Symbol tables are anyone's: neither nonsense nor length may hold the tracer up.
TEST(FunctionName, NonsenseEndsSoon) {
  auto begun = std::chrono::steady_clock::now();
  for (const char* piece : {"(", "<", ")", "::", "operator", "(*", ".", "[abi:", "const ", "<a as ",
                            "!(", "->", "operator<", " const::", "{", "(const "}) {
    std::string name;
    while (name.size() < 8000) name += piece;
    for (const std::string& text : {name, name + ")", "f" + name, "f(" + name + ")"}) {
      for (const std::string& one : spellings(plain_name(text)))
        EXPECT_LE(behind_scope(one).size(), one.size());
      EXPECT_LE(tight_name(text).size(), text.size() + 1);
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

}  // namespace
}  // namespace wc
