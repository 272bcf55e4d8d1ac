// Which functions are on after a chain of changes.
#include "control/function_switch.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace wc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FunctionSwitchTest : public testing::Test {
 protected:
  void SetUp() override {
    table_.id = 1;
    for (const char* name : {"access", "close", "open", "open64", "read", "write"})
      table_.functions.push_back({.symbol = name, .name = name, .library = "libc.so.6"});
    table_.functions.push_back({.symbol = "inflate", .name = "inflate", .library = "libz.so.1"});
  }
  static FunctionSwitch make(std::string_view list) {
    return FunctionSwitch(*parse_selection(list));
  }
  std::set<std::string> on(FunctionSwitch& functions) {
    auto modes = functions.modes(table_);
    std::set<std::string> names;
    for (size_t i = 0; i < table_.functions.size(); i++)
      if (!modes->is_off(static_cast<uint32_t>(i))) names.insert(table_.functions[i].symbol);
    return names;
  }
  Status change(FunctionSwitch& functions, FunctionSwitch::Change how, std::string_view list) {
    const FunctionTable* tables[] = {&table_};
    return functions.change(how, list, tables);
  }
  using Change = FunctionSwitch::Change;
  FunctionTable table_;
};

TEST_F(FunctionSwitchTest, BeginsWithWhatIsSelected) {
  auto functions = make("read,inflate@libz");
  EXPECT_THAT(on(functions), ElementsAre("inflate", "read"));
  EXPECT_EQ(functions.generation(), 1u);
}

TEST_F(FunctionSwitchTest, SetsGrowAndShrink) {
  auto functions = make("read");
  ASSERT_TRUE(change(functions, Change::Add, "open,write").ok());
  EXPECT_THAT(on(functions), ElementsAre("open", "open64", "read", "write")) << "the family";
  ASSERT_TRUE(change(functions, Change::Remove, "read").ok());
  EXPECT_THAT(on(functions), ElementsAre("open", "open64", "write"));
  ASSERT_TRUE(change(functions, Change::Set, "close").ok());
  EXPECT_THAT(on(functions), ElementsAre("close"));
  ASSERT_TRUE(change(functions, Change::Remove, "close").ok());
  EXPECT_THAT(on(functions), ElementsAre());
  EXPECT_EQ(functions.generation(), 5u);
}

TEST_F(FunctionSwitchTest, ASetMayBeginWithAnExclusionAndARemovalNot) {
  auto functions = make("");
  ASSERT_TRUE(change(functions, Change::Remove, "read").ok());
  EXPECT_THAT(on(functions), ElementsAre()) << "@default is not what was there";
  ASSERT_TRUE(change(functions, Change::Set, "!read").ok());
  EXPECT_THAT(on(functions), testing::Contains("write"));
  EXPECT_THAT(on(functions), testing::Not(testing::Contains("read")));
}

TEST_F(FunctionSwitchTest, MistakesChangeNothing) {
  auto functions = make("read");
  for (const char* list : {"raed", "inflate@libx", "zz*", "@nothing", "scope:parse", "!read"})
    EXPECT_FALSE(change(functions, Change::Add, list).ok()) << list;
  EXPECT_THAT(change(functions, Change::Add, "raed").error().message, HasSubstr("--prepare"));
  EXPECT_THAT(on(functions), ElementsAre("read"));
  EXPECT_EQ(functions.generation(), 1u);
}

TEST_F(FunctionSwitchTest, PauseIsAnAsideThatChangesOfTheListOutlive) {
  auto functions = make("read");
  functions.pause(true);
  EXPECT_THAT(on(functions), ElementsAre());
  ASSERT_TRUE(change(functions, Change::Add, "write").ok());
  EXPECT_THAT(on(functions), ElementsAre());
  functions.pause(false);
  EXPECT_THAT(on(functions), ElementsAre("read", "write"));
}

TEST_F(FunctionSwitchTest, TheLastSampleThatNamesAFunctionDecides) {
  auto functions = make("read,write,open,inflate@libz");
  SampleList samples;
  for (const char* text : {"10", "3@read,write", "5@write"})
    ASSERT_TRUE(samples.add(*parse_sample(CallSample::Kind::Every, text)));
  ASSERT_TRUE(samples.add(*parse_sample(CallSample::Kind::All, "open")));
  functions.set_samples(samples);
  auto modes = functions.modes(table_);
  const uint32_t weights[] = {1, 1, 1, 1, 3, 5, 10};  // access and close are off, open is all
  for (uint32_t i = 0; i < 7; i++) EXPECT_EQ(modes->weight(i), weights[i]) << i;
  EXPECT_EQ(modes->rows[2], 0);
  EXPECT_TRUE(modes->is_off(0));
}

TEST(SampleList, KeepsOneOfEachListOfFunctionsAndHasAnEnd) {
  SampleList samples;
  for (int i = 1; i < 1000; i++)
    ASSERT_TRUE(samples.add(*parse_sample(CallSample::Kind::Every, std::to_string(i) + "@read")));
  EXPECT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].text, "every=999@read");
  for (uint32_t i = 1; i < WC_SAMPLES; i++)
    ASSERT_TRUE(samples.add(*parse_sample(CallSample::Kind::First, "1@f" + std::to_string(i))));
  EXPECT_FALSE(samples.add(*parse_sample(CallSample::Kind::First, "1@g")));
  for (const char* wrong : {"", "0", "-1", "1x", "1@", "99999999999", "1@@nothing"})
    EXPECT_FALSE(parse_sample(CallSample::Kind::Rate, wrong).ok()) << wrong;
}

// The list does not grow with the number of changes, and means what sets of names would.
TEST_F(FunctionSwitchTest, AThousandChangesAreTheSameAsOfASet) {
  auto functions = make("read");
  std::set<std::string> expected = {"read"};
  const std::vector<std::string> names = {"access", "close", "read", "write"};
  std::mt19937 random(1);
  for (int i = 0; i < 1000; i++) {
    const std::string& name = names[random() % names.size()];
    const bool adds = random() % 2;
    ASSERT_TRUE(change(functions, adds ? Change::Add : Change::Remove, name).ok());
    if (adds)
      expected.insert(name);
    else
      expected.erase(name);
    ASSERT_EQ(on(functions), expected) << i << ": " << functions.list();
  }
  EXPECT_LT(functions.list().size(), 60u);
}

}  // namespace
}  // namespace wc
