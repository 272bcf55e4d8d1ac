#include "symbols/demangle.h"

#include <gmock/gmock.h>

#include <chrono>
#include <random>

namespace wc {
namespace {

TEST(Demangle, RustsOlderManglingWithoutItsHash) {
  EXPECT_EQ(demangle("_ZN10rust_names5parse17h6dd6784ce155c7c5E"), "rust_names::parse");
  EXPECT_EQ(demangle("_ZN10rust_names5parse17h6dd6784ce155c7c5E.llvm.1234"), "rust_names::parse");
  EXPECT_EQ(demangle("_ZN59_$LT$rust_names..Foo$LT$T$GT$$u20$as$u20$rust_names..Sp$GT$"
                     "5speak17hbb3e8c69524b37b5E"),
            "<rust_names::Foo<T> as rust_names::Sp>::speak");
}

TEST(Demangle, RustsV0) {
  EXPECT_EQ(demangle("_RNvCsbt0fQicOZbh_10rust_names5parse"), "rust_names::parse");
  EXPECT_EQ(demangle("_RNvXCsbt0fQicOZbh_10rust_namesINtB2_3FoomENtB2_2Sp5speakB2_"),
            "<rust_names::Foo<u32> as rust_names::Sp>::speak");
  EXPECT_EQ(demangle("_RNvYNtNtNtNtCsjrHSEGnQ3l9_3std3sys5stdio4unix6StderrNtNtBa_2io5Write9write_"
                     "allCsbt0fQicOZbh_10rust_names.llvm.4157305241612314634"),
            "<std::sys::stdio::unix::Stderr as std::io::Write>::write_all");
}

TEST(Demangle, CPlusPlusThatLooksLikeRust) {
  EXPECT_EQ(demangle("_ZN2ns1fEi"), "ns::f(int)");
  EXPECT_EQ(demangle("_ZN2ns17h0000000000000000E"), "ns::h0000000000000000");  // no hash of rustc's
}

TEST(Demangle, D) {
  EXPECT_EQ(demangle("_D3app5parseFiZi"), "app.parse(int)");
  EXPECT_EQ(demangle("_D3app3Foo3barMFiZv"), "app.Foo.bar(int)");
  EXPECT_EQ(demangle("_D3app__T3mapTiZQhFiZv"), "app.map!(int).map(int)");
  EXPECT_EQ(demangle("_Dmain"), "_Dmain");
  EXPECT_EQ(demangle("_D3ap"), "_D3ap");
}

TEST(Demangle, FortransModules) {
  EXPECT_EQ(demangle("__m_MOD_work"), "m::work");
  EXPECT_EQ(demangle("__m.s_MOD_hidden"), "m.s::hidden");  // of a submodule
  for (const char* name : {"__m_MOD_", "___MOD_", "__memcpy_erms", "_MOD_work"})
    EXPECT_EQ(demangle(name), name);
}

TEST(Demangle, OCaml) {
  EXPECT_EQ(demangle("camlMain__parse_267"), "Main.parse");
  EXPECT_EQ(demangle("camlMain.parse_267"), "Main.parse");  // since 5.1
  EXPECT_EQ(demangle("camlStdlib__List__map_485"), "Stdlib.List.map");
  EXPECT_EQ(demangle("camlStdlib__$40_198"), "Stdlib.@");
  EXPECT_EQ(demangle("camlMain__entry"), "Main.entry");
  for (const char* name : {"caml_main", "camlMain", "caml", "camel__hump_1"})
    EXPECT_EQ(demangle(name), name);
}

TEST(Demangle, PlainNamesStay) {
  for (const char* name :
       {"", "_", "_R", "_Z", "_D", "_D3", "main.(*T).Do", "parse.constprop.0", "__"})
    EXPECT_EQ(demangle(name), name);
}

// A tuple of two tuples of two tuples ...: 2^60 times "u8".
TEST(Demangle, RustNamesThatExplodeStayMangled) {
  std::string name = "_RINvC1a1fThhE";
  size_t target = 8;  // the first tuple, behind "_R"
  const std::string digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  auto base62 = [&](size_t to) {  // "B_" is 0, "B0_" 1
    std::string text = "_";
    for (size_t rest = to - 1;; rest /= 62) {
      text = digits[rest % 62] + text;
      if (rest < 62) break;
    }
    return "B" + text;
  };
  EXPECT_EQ(demangle(name + "T" + base62(target) + base62(target) + "EE"),
            "a::f::<(u8, u8), ((u8, u8), (u8, u8))>");
  for (int i = 0; i < 60; i++) {
    const size_t next = name.size() - 2;
    name += "T" + base62(target) + base62(target) + "E";
    target = next;
  }
  name += "E";
  EXPECT_EQ(demangle(name), name);
}

TEST(Demangle, NonsenseEndsSoon) {
  auto begun = std::chrono::steady_clock::now();
  std::mt19937 random(12);
  for (std::string_view beginning :
       {"_R", "_RNv", "_RINvC1a1f", "_D3app", "_D3app__T1fT", "_ZN", "__m_MOD_", "camlMain__"})
    for (std::string_view letters :
         {"TB0_E", "IRNvCsB_1aE", "QabATiZF", "S_0IEN1a", "$4_", "GLDFKCpEuTB1_"})
      for (size_t length = 1; length < 9000; length = length * 2 + 1) {
        std::string name(beginning);
        while (name.size() < length) name += letters[random() % letters.size()];
        for (const char* end : {"", "E", "Z", "17h0123456789abcdefE"})
          EXPECT_LE(demangle(name + end).size(), 8192u + name.size());
      }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

}  // namespace
}  // namespace wc
