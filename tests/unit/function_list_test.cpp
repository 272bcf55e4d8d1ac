#include "symbols/function_list.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "symbols/demangle.h"

extern "C" void function_list_test_exported() {}
static int function_list_test_local(int n) { return n + 1; }
static int (*volatile keep)(int) = function_list_test_local;

namespace wc {
namespace {

const FunctionSymbol* find(const FunctionList& list, std::string_view name) {
  auto at = std::find_if(list.functions.begin(), list.functions.end(),
                         [&](const FunctionSymbol& one) { return one.name == name; });
  return at == list.functions.end() ? nullptr : &*at;
}

TEST(FunctionList, PartsAndTrampolinesAreNotCalled) {
  for (const char* part : {"f.cold", "f.cold.3", "_Z5parsei.cold", "f.part.0.cold",
                           "f.constprop.0.cold.12", "__restore_rt", "_dl_runtime_resolve_xsavec"})
    EXPECT_FALSE(is_called(part)) << part;
  for (const char* whole : {"f", "f.part.0", "f.isra.1", "f.constprop.0", "cold", "f.colder",
                            "f.cold.x", "f.cold.", "f.cold.1x", "__restore", "scold"})
    EXPECT_TRUE(is_called(whole)) << whole;
}

TEST(FunctionList, OwnProgram) {
  EXPECT_EQ(keep(1), 2);
  auto list = read_functions("/proc/self/exe", "/proc/self/exe");
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->has_symtab);
  const FunctionSymbol* exported = find(*list, "function_list_test_exported");
  ASSERT_NE(exported, nullptr);
  EXPECT_FALSE(exported->ifunc);
  auto local = std::find_if(list->functions.begin(), list->functions.end(), [](const auto& one) {
    return demangle(one.name) == "function_list_test_local(int)";
  });
  ASSERT_NE(local, list->functions.end());
  EXPECT_EQ(local->source, "function_list_test.cpp");
  FunctionSources sources("/proc/self/exe", "/proc/self/exe");
  EXPECT_TRUE(sources.stands_in(*local, "function_list_test.cpp"));
  EXPECT_FALSE(sources.stands_in(*local, "other.cpp"));
  EXPECT_TRUE(sources.stands_in(*exported, "function_list_test.cpp"));  // by its line
}

TEST(FunctionList, OneEntryForANameAndAddress) {
  auto list = read_functions("/proc/self/exe", "/proc/self/exe");
  ASSERT_TRUE(list.ok());
  for (size_t i = 1; i < list->functions.size(); i++) {
    const auto &a = list->functions[i - 1], &b = list->functions[i];
    EXPECT_TRUE(a.address < b.address || (a.address == b.address && a.name < b.name));
  }
}

TEST(FunctionList, ResolversAreTold) {
  auto list = read_functions("/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6");
  ASSERT_TRUE(list.ok());
  ASSERT_NE(find(*list, "memcpy"), nullptr);
  EXPECT_TRUE(find(*list, "memcpy")->ifunc);
  ASSERT_NE(find(*list, "fopen"), nullptr);
  EXPECT_TRUE(find(*list, "fopen")->exported);
}

TEST(FunctionList, NoElfFile) {
  EXPECT_FALSE(read_functions("/etc/passwd", "/etc/passwd").ok());
  EXPECT_FALSE(read_functions("/nonexistent", "/nonexistent").ok());
}

}  // namespace
}  // namespace wc
