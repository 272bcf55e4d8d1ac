// Stacks of this very process, from registers as a tracer or a record would give them, and from
// what makes no sense.
#include "symbols/unwinder.h"

#include <gmock/gmock.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "base/scoped_fd.h"
#include "symbols/unwind_table.h"

namespace wc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class OwnMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress from, void* to, size_t size) override {
    reads++;
    // By way of the kernel, which refuses bad addresses.
    std::ifstream file("/proc/self/mem", std::ios::binary);
    file.seekg(static_cast<std::streamoff>(from.value));
    file.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
    return static_cast<size_t>(file.gcount());
  }
  int reads = 0;
};

class NoMemory final : public TraceeMemory {
 public:
  size_t read(RemoteAddress, void*, size_t) override { return 0; }
};

StackRegisters registers_of(const ucontext_t& context) {
  const auto& from = context.uc_mcontext.gregs;
  StackRegisters registers;
  const std::array<int, StackRegisters::kCount> order = {
      REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
      REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  for (size_t i = 0; i < order.size(); i++)
    registers.values[i] = static_cast<uint64_t>(from[order[i]]);
  return registers;
}

struct Looker {
  Symbolizer symbols;
  OwnMemory memory;
  std::string hidden;
  unsigned depth = kMaxStackDepth;
  std::array<bool, StackRegisters::kCount> known;
  Looker() { known.fill(true); }

  Stack look(ucontext_t& context) {
    StackRegisters registers = registers_of(context);
    for (size_t i = 0; i < known.size(); i++)
      if (!known[i]) registers.values[i].reset();
    Unwinder unwinder(symbols, hidden, depth);
    return unwinder.unwind(getpid(), registers, memory);
  }
};

// Not inlined, and something is left to do behind the call.
[[gnu::noinline]] Stack third(Looker& looker) {
  ucontext_t context;
  getcontext(&context);
  Stack stack = looker.look(context);
  asm volatile("" ::: "memory");
  return stack;
}
[[gnu::noinline]] Stack second(Looker& looker) {
  Stack stack = third(looker);
  asm volatile("" ::: "memory");
  return stack;
}
[[gnu::noinline]] Stack first(Looker& looker) {
  Stack stack = second(looker);
  asm volatile("" ::: "memory");
  return stack;
}

std::vector<std::string> names(const Stack& stack) {
  std::vector<std::string> all;
  for (const StackFrame& frame : stack) {
    // "wc::(anonymous namespace)::third(wc::(anonymous namespace)::Looker&)"
    constexpr std::string_view kSpace = "wc::(anonymous namespace)::";
    std::string name = frame.at.symbol;
    if (name.starts_with(kSpace)) name.erase(0, kSpace.size());
    all.push_back(name.substr(0, name.find('(')));
  }
  return all;
}

TEST(Unwinder, FindsTheCallers) {
  Looker looker;
  const Stack stack = first(looker);
  ASSERT_GT(stack.size(), 6u);
  EXPECT_THAT(names({stack.begin(), stack.begin() + 3}), ElementsAre("third", "second", "first"));
  EXPECT_THAT(names(stack), Contains("main"));
}

TEST(Unwinder, FramesStandOneAboveTheOther) {
  Looker looker;
  const Stack stack = first(looker);
  for (size_t i = 0; i + 1 < stack.size(); i++) {
    EXPECT_LT(stack[i].sp, stack[i].end);
    EXPECT_EQ(stack[i].end, stack[i + 1].sp);
  }
}

TEST(Unwinder, NeedsThreeRegistersOnly) {
  Looker looker;
  const auto all = names(first(looker));
  looker.known.fill(false);
  looker.known[StackRegisters::kIp] = looker.known[StackRegisters::kSp] =
      looker.known[StackRegisters::kBp] = true;
  EXPECT_EQ(names(first(looker)), all);
}

TEST(Unwinder, StopsAtTheDepth) {
  Looker looker;
  looker.depth = 2;
  EXPECT_THAT(names(first(looker)), ElementsAre("third", "second"));
}

TEST(Unwinder, MarksWhatIsHidden) {
  Looker looker;
  looker.hidden = "/proc/self/exe";
  std::array<char, 4096> self{};
  const auto size = readlink("/proc/self/exe", self.data(), self.size());
  looker.hidden.assign(self.data(), static_cast<size_t>(size));
  const Stack stack = first(looker);
  EXPECT_TRUE(stack.front().is_hidden);
  EXPECT_TRUE(std::ranges::any_of(stack, [](const auto& frame) { return !frame.is_hidden; }));
}

TEST(Unwinder, ReadsTheStackByThePage) {
  Looker looker;
  first(looker);
  looker.memory.reads = 0;
  const size_t frames = first(looker).size();
  EXPECT_LT(looker.memory.reads, static_cast<int>(frames) + 8);
}

TEST(Unwinder, NothingIsReadableButTheFirstFrame) {
  ucontext_t context;
  getcontext(&context);
  Symbolizer symbols;
  Unwinder unwinder(symbols, "", kMaxStackDepth);
  NoMemory memory;
  EXPECT_THAT(unwinder.unwind(getpid(), registers_of(context), memory), SizeIs(1));
}

TEST(Unwinder, RegistersOfNoUse) {
  Symbolizer symbols;
  Unwinder unwinder(symbols, "", kMaxStackDepth);
  OwnMemory memory;
  EXPECT_THAT(unwinder.unwind(getpid(), StackRegisters{}, memory), IsEmpty());
  ucontext_t context;
  getcontext(&context);
  for (uint64_t sp : {uint64_t{0}, uint64_t{8}, ~uint64_t{7}, uint64_t{1} << 47}) {
    StackRegisters registers = registers_of(context);
    registers.values[StackRegisters::kSp] = registers.values[StackRegisters::kBp] = sp;
    EXPECT_LE(unwinder.unwind(getpid(), registers, memory).size(), 2u) << sp;
  }
}

// A stack that returns to the same place for ever.
TEST(Unwinder, EndsAStackWithoutEnd) {
  Looker looker;
  const Stack stack = first(looker);
  class Loop final : public TraceeMemory {
   public:
    explicit Loop(uint64_t word) : word_(word) {}
    size_t read(RemoteAddress, void* to, size_t size) override {
      for (size_t i = 0; i + sizeof word_ <= size; i += sizeof word_)
        std::memcpy(static_cast<char*>(to) + i, &word_, sizeof word_);
      return size;
    }

   private:
    uint64_t word_;
  } memory(stack.at(1).ip);
  Unwinder unwinder(looker.symbols, "", kMaxStackDepth);
  StackRegisters registers;
  registers.values[StackRegisters::kIp] = stack[0].ip;
  registers.values[StackRegisters::kSp] = registers.values[StackRegisters::kBp] = stack[0].sp;
  EXPECT_LE(unwinder.unwind(getpid(), registers, memory).size(), kMaxStackDepth);
}

TEST(UnwindTable, OfTheVdso) {
  const auto table = UnwindTable::of_vdso();
  ASSERT_NE(table, nullptr);
  EXPECT_GT(table->entries(), 0u);
  uint64_t word = 0;
  EXPECT_TRUE(table->word(table->table(), word));
  EXPECT_FALSE(table->word(uint64_t{1} << 40, word));
}

TEST(UnwindTable, DamagedHeadersAreRefused) {
  char path[] = "/tmp/wc-unwind-XXXXXX";
  const ScopedFd file(mkstemp(path));
  unlink(path);
  GElf_Phdr load{}, frames{};
  load.p_type = PT_LOAD;
  load.p_filesz = 4096;
  frames.p_type = PT_GNU_EH_FRAME;
  frames.p_vaddr = 64;
  const std::array<GElf_Phdr, 2> headers = {load, frames};
  EXPECT_EQ(UnwindTable::read(file.get(), headers), nullptr) << "an empty file";
  // version 1, pcrel sdata4, udata4, datarel sdata4, and a count that the file cannot hold
  const std::array<unsigned char, 12> good = {1, 0x1b, 3, 0x3b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f};
  ASSERT_EQ(pwrite(file.get(), good.data(), good.size(), 64), 12);
  const auto table = UnwindTable::read(file.get(), headers);
  ASSERT_NE(table, nullptr);
  EXPECT_LE(table->entries(), 4096u / 8);
  for (size_t i = 0; i < 4; i++) {
    auto bad = good;
    bad[i] ^= 0x40;
    ASSERT_EQ(pwrite(file.get(), bad.data(), bad.size(), 64), 12);
    EXPECT_EQ(UnwindTable::read(file.get(), headers), nullptr) << i;
  }
  EXPECT_EQ(UnwindTable::read(file.get(), std::span(headers).first(1)), nullptr)
      << "no such header";
}

}  // namespace
}  // namespace wc
