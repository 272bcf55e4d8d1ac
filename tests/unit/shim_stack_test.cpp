// How much of the program's stack a wrapped call takes: the compiler's figures for each function,
// added up along the calls that the disassembly shows. Programs run on signal stacks of two pages.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "shim_disassembly.h"

namespace wc {
namespace {

class StackUse {
 public:
  StackUse() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SHIM_STACK_USAGE)) {
      if (entry.path().extension() != ".su") continue;
      std::ifstream file(entry.path());
      // "scope.c:93:1:wc_enter	16	static", the return address included
      for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string place, kind;
        size_t bytes = 0;
        std::getline(fields, place, '\t');
        fields >> bytes;
        std::getline(fields >> std::ws, kind);
        bytes_[place.substr(place.rfind(':') + 1)] = bytes;
        if (kind != "static" && kind != "dynamic,bounded") unbounded_.insert(place + " " + kind);
      }
    }
    for (const auto& [name, instructions] : shim_functions())
      for (const auto& one : instructions) add_call(name, one);
  }

  [[nodiscard]] bool is_known() const { return bytes_.count("wc_enter") != 0; }
  [[nodiscard]] const std::set<std::string>& unbounded() const { return unbounded_; }
  [[nodiscard]] const std::set<std::string>& indirect() const { return indirect_; }

  // The deepest chain from `name` on that enters none of `without`.
  size_t deepest(const std::string& name, const std::set<std::string>& without = {}) {
    if (without.count(name) != 0) return 0;
    if (!active_.insert(name).second) {
      ADD_FAILURE() << "recursion in " << name;
      return 0;
    }
    size_t below = 0;
    for (const auto& callee : calls_[name]) below = std::max(below, deepest(callee, without));
    // A tail call has given its frame back, but for the return address that it hands on.
    size_t instead = 0;
    for (const auto& callee : tail_calls_[name])
      instead = std::max(instead, deepest(callee, without));
    active_.erase(name);
    return std::max(own(name) + below, instead);
  }

 private:
  // What is written in assembly takes its return address. "count.isra.0" stands there as
  // "count.isra".
  [[nodiscard]] size_t own(const std::string& name) const {
    for (std::string part = name; !part.empty();
         part.resize(part.find('.') == std::string::npos ? 0 : part.rfind('.')))
      if (auto at = bytes_.find(part); at != bytes_.end()) return at->second;
    return 8;
  }
  // A function's unlikely half, moved elsewhere by the compiler, runs in the same frame.
  static std::string whole(std::string name) {
    if (const size_t cold = name.find(".cold"); cold != std::string::npos) name.resize(cold);
    return name;
  }
  void add_call(const std::string& name, const Instruction& one) {
    const std::string how = one.mnemonic();
    if (how != "call" && how != "jmp") return;
    const size_t from = one.text.find('<');
    if (from == std::string::npos) {
      if (how == "call") indirect_.insert(name);
      return;
    }
    const std::string target = one.text.substr(from + 1, one.text.find('>') - from - 1);
    const std::string caller = whole(name), callee = whole(target);
    if (target.find("+0x") == std::string::npos && callee != caller)
      (how == "call" ? calls_ : tail_calls_)[caller].insert(callee);
  }

  std::map<std::string, size_t> bytes_;
  std::map<std::string, std::set<std::string>> calls_, tail_calls_;
  std::set<std::string> unbounded_, indirect_, active_;
};

// The trampoline's own: return address, rbp and frame (frame.h), for the call of wc_enter.
constexpr size_t kTrampoline = 8 + 8 + 112;
constexpr size_t kLimit = 512;

class ShimStackTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed(OBJDUMP)) GTEST_SKIP() << "objdump is not installed";
    use_.emplace();
    ASSERT_TRUE(use_->is_known()) << "no .su files in " SHIM_STACK_USAGE;
  }
  std::optional<StackUse> use_;
};

TEST_F(ShimStackTest, EveryFrameHasAFixedSize) {
  EXPECT_THAT(use_->unbounded(), testing::IsEmpty());
}

TEST_F(ShimStackTest, EnteringAScopeTakesUnder512Bytes) {
  // Attaching comes once a thread, looking a function up once a function: see below.
  const size_t bytes = kTrampoline + use_->deepest("wc_enter", {"wc_attach_thread", "wc_resolve"});
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LT(bytes, kLimit);
}

TEST_F(ShimStackTest, LeavingAScopeTakesUnder512Bytes) {
  const size_t bytes = kTrampoline + use_->deepest("wc_leave");
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LT(bytes, kLimit);
}

TEST_F(ShimStackTest, FirstCallsOfAThreadTakeLessThanHalfAPage) {
  const size_t bytes = kTrampoline + use_->deepest("wc_enter");
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LT(bytes, 4096u / 2);
}

TEST_F(ShimStackTest, OnlyResolversErrnoAndTheWalkOfLoadedObjectsAreCalledThroughPointers) {
  EXPECT_THAT(
      use_->indirect(),
      testing::IsSubsetOf({"wc_lookup", "wc_resolve", "wc_call_aligned", "wc_leave", "leave_slowly",
                           "errno_after", "address_of", "wc_entry", "wc_entry_stack", "wc_entry_va",
                           "wc_entry_exec", "wc_entry_caller"}));
}

}  // namespace
}  // namespace wc
