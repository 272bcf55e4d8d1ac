// The state of an interpreter that is not there: laid out in made-up memory, whole and damaged.
#include <gmock/gmock.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "interpreter/line_numbers.h"
#include "interpreter/python_layout.h"
#include "interpreter/python_stack.h"
#include "interpreter/python_text.h"

namespace wc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr PythonVersion kVersion{0x030b02f0};
const PythonLayout& layout() { return *python_layout(kVersion); }

// One readable range; all else is unreadable.
class Heap final : public TraceeMemory {
 public:
  static constexpr uint64_t kBase = 0x10000;

  size_t read(RemoteAddress from, void* to, size_t size) override {
    reads++;
    if (from.value < kBase || from.value - kBase >= bytes.size()) return 0;
    const size_t offset = from.value - kBase;
    const size_t got = std::min(size, bytes.size() - offset);
    std::memcpy(to, bytes.data() + offset, got);
    return got;
  }
  uint64_t reserve(size_t size) {
    const uint64_t address = kBase + bytes.size();
    bytes.resize(bytes.size() + (size + 15) / 16 * 16);
    return address;
  }
  template <typename T>
  void set(uint64_t address, const T& value) {
    std::memcpy(bytes.data() + (address - kBase), &value, sizeof value);
  }
  void set_bytes(uint64_t address, const std::string& text) {
    std::memcpy(bytes.data() + (address - kBase), text.data(), text.size());
  }

  std::vector<char> bytes;
  size_t reads = 0;
};

constexpr uint32_t kCompact = 1u << 5, kAscii = 1u << 6;

uint64_t put_text(Heap& heap, const std::string& text, uint32_t width, uint32_t flags) {
  const bool is_ascii = (flags & kAscii) != 0;
  const uint64_t data = is_ascii ? layout().text.ascii : layout().text.wide;
  const uint64_t at = heap.reserve(data + text.size() + 4);
  heap.set<uint64_t>(at + layout().text.length, text.size() / width);
  heap.set<uint32_t>(at + layout().text.state, width << 2 | flags);
  heap.set_bytes(at + data, text);
  return at;
}

uint64_t put_ascii(Heap& heap, const std::string& text) {
  return put_text(heap, text, 1, kCompact | kAscii);
}

// A program in the middle of things, as CPython 3.11 lays it out.
struct Program {
  Heap heap;
  uint64_t runtime, interpreter, thread, root;
  static constexpr uint64_t kId = 77;
  uint64_t stack_top;  // where the next run's place is

  Program() {
    const PythonLayout& at = layout();
    // The C stack stands below all else; it grows down.
    stack_top = heap.reserve(4096) + 4096;
    runtime = heap.reserve(64);
    interpreter = heap.reserve(64);
    thread = heap.reserve(at.thread.size);
    root = heap.reserve(at.eval.size);
    heap.set(runtime + at.runtime.interpreters, interpreter);
    heap.set(interpreter + at.interpreter.threads, thread);
    heap.set(thread + at.thread.native_id, kId);
    heap.set(thread + at.thread.eval, root);
  }

  uint64_t put_code(const std::string& name, const std::string& lines, uint32_t first_line) {
    const PythonLayout& at = layout();
    const uint64_t code = heap.reserve(at.code.size + 64);
    const uint64_t table = heap.reserve(at.bytes.data + lines.size());
    heap.set<uint64_t>(table + at.bytes.count, lines.size());
    heap.set_bytes(table + at.bytes.data, lines);
    heap.set(code + at.code.lines, table);
    heap.set(code + at.code.first_line, first_line);
    heap.set(code + at.code.name, put_ascii(heap, name));
    heap.set(code + at.code.file, put_ascii(heap, "/a/" + name + ".py"));
    return code;
  }
  // Calls a function: the first of a run is entered from C.
  uint64_t call(const std::string& name, bool from_c) {
    const PythonLayout& at = layout();
    const uint64_t code = put_code(name, "\xf0\x80", 5);  // one unit, without columns: same line
    const uint64_t frame = heap.reserve(at.frame.size);
    uint64_t run = 0;
    heap.read({thread + at.thread.eval}, &run, sizeof run);
    uint64_t previous = 0;
    heap.read({run + at.eval.frame}, &previous, sizeof previous);
    if (from_c) {
      stack_top -= 256;
      heap.set(stack_top + at.eval.previous, run);
      run = stack_top;
      heap.set(thread + at.thread.eval, run);
    }
    heap.set(frame + at.frame.code, code);
    heap.set(frame + at.frame.previous, previous);
    heap.set(frame + at.frame.instruction, code + at.code.instructions);
    heap.set<char>(frame + at.frame.is_entry, from_c ? 1 : 0);
    heap.set(run + at.eval.frame, frame);
    return frame;
  }
  std::vector<PythonRun> look(size_t most = 256) {
    return look({.native_id = kId, .stack_begin = Heap::kBase, .stack_end = Heap::kBase + 4096},
                most);
  }
  std::vector<PythonRun> look(const PythonThread& who, size_t most = 256) {
    return read_python_stack(heap, layout(), runtime, who, most);
  }
};

std::vector<std::string> names(const PythonRun& run) {
  std::vector<std::string> list;
  for (const PythonFrame& frame : run.frames) list.push_back(frame.function);
  return list;
}

TEST(PythonLayoutTest, KnowsReleasesOfItsVersionOnly) {
  EXPECT_NE(python_layout({0x030b00f0}), nullptr);
  EXPECT_NE(python_layout({0x030b0dc1}), nullptr);
  EXPECT_EQ(python_layout({0x030b00a7}), nullptr);  // an alpha
  EXPECT_EQ(python_layout({0x030c01f0}), nullptr);
  EXPECT_EQ(python_layout({0}), nullptr);
  EXPECT_EQ(PythonVersion{0x030c01f0}.text(), "3.12.1");
  EXPECT_EQ(PythonVersion{0x030c00a3}.text(), "3.12.0a3");
}

TEST(PythonTextTest, EveryWidthBecomesUtf8) {
  Heap heap;
  auto read = [&](const std::string& text, uint32_t width, uint32_t flags = kCompact) {
    return read_python_text(heap, layout(), put_text(heap, text, width, flags)).value_or("none");
  };
  EXPECT_EQ(read("plain", 1, kCompact | kAscii), "plain");
  EXPECT_EQ(read("", 1, kCompact | kAscii), "");
  EXPECT_EQ(read("caf\xe9", 1), "caf\xc3\xa9");
  EXPECT_EQ(read(std::string("\xac\x20", 2), 2), "\xe2\x82\xac");
  EXPECT_EQ(read(std::string("\x00\xf6\x01\x00", 4), 4), "\xf0\x9f\x98\x80");
  // A byte of a file's name that is no UTF-8.
  EXPECT_EQ(read(std::string("\xff\xdc", 2), 2), "\xff");
}

TEST(PythonTextTest, WhatIsNoStringIsNone) {
  Heap heap;
  auto read = [&](uint64_t at) { return read_python_text(heap, layout(), at).has_value(); };
  EXPECT_FALSE(read(0));
  EXPECT_FALSE(read(0x999999));
  EXPECT_FALSE(read(put_text(heap, "abc", 1, 0)));                          // not compact
  EXPECT_FALSE(read(put_text(heap, "abcabc", 3, kCompact)));                // no such width
  EXPECT_FALSE(read(put_text(heap, "ab", 2, kCompact | kAscii)));           // ASCII in two bytes
  EXPECT_FALSE(read(put_text(heap, std::string(4, '\xff'), 4, kCompact)));  // no character
  const uint64_t last = put_ascii(heap, "short");
  heap.set<uint64_t>(last + layout().text.length, UINT64_MAX);
  EXPECT_FALSE(read(last));
}

TEST(PythonTextTest, LongTextIsCut) {
  Heap heap;
  const auto text = read_python_text(heap, layout(), put_ascii(heap, std::string(5000, 'x')));
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->size(), kMaxPythonText);
}

uint32_t line(const std::string& table, int64_t instruction, uint32_t first = 10) {
  return python_line({reinterpret_cast<const uint8_t*>(table.data()), table.size()}, first,
                     instruction);
}

// As locations.md has them: 0x80 | code << 3 | units - 1, then what the code asks for.
TEST(PythonLineTest, EveryCodeOfAnEntry) {
  EXPECT_EQ(line("\x81\x00", 0), 10u);  // 0: the same line, columns in a byte; two units
  EXPECT_EQ(line(std::string("\xd8\x01\x02", 3), 0), 11u);  // 11: one line on
  EXPECT_EQ(line(std::string("\xe0\x01\x02", 3), 0), 12u);  // 12: two lines on
  EXPECT_EQ(line("\xe8\x03", 0), 9u);                       // 13: a signed number of lines, here -1
  EXPECT_EQ(line("\xe8\x48\x01", 0), 46u);                  // the same of two bytes: 8 + 64, halved
  EXPECT_EQ(line(std::string("\xf0\x04\x00\x01\x02", 5), 0), 12u);  // 14: with columns
  EXPECT_EQ(line("\xf8", 0), 0u);                                   // 15: no line
}

TEST(PythonLineTest, EntriesAddUp) {
  // Two units in line 10, one without a line, one in line 12, then line 11.
  const std::string table("\x81\x01\xf8\xe0\x01\x02\xe8\x03", 8);
  EXPECT_EQ(line(table, 1), 10u);
  EXPECT_EQ(line(table, 2), 0u);
  EXPECT_EQ(line(table, 3), 12u);
  EXPECT_EQ(line(table, 4), 11u);
  EXPECT_EQ(line(table, 5), 0u);  // behind its end
  EXPECT_EQ(line(table, -1), 10u);
}

TEST(PythonLineTest, DamagedTables) {
  EXPECT_EQ(line("", 0), 0u);
  EXPECT_EQ(line("\x01\x02", 0), 0u);  // begins within an entry
  EXPECT_EQ(line("\xe8", 0), 10u);     // its number is cut off
  EXPECT_EQ(line(std::string("\xe8") + std::string(100, '\x7f'), 0), 0u);
  std::mt19937 random(1);
  for (int turn = 0; turn < 20'000; turn++) {
    std::string table(random() % 40, '\0');
    for (char& one : table) one = static_cast<char>(random());
    line(table, static_cast<int64_t>(random() % 64), static_cast<uint32_t>(random()));
  }
}

TEST(PythonStackTest, FunctionsByTheRunThatHasThem) {
  Program program;
  program.call("module", true);
  program.call("outer", false);
  program.call("callback", true);
  program.call("inner", false);
  const auto runs = program.look();
  ASSERT_THAT(runs, SizeIs(2));
  EXPECT_THAT(names(runs[0]), ElementsAre("inner", "callback"));
  EXPECT_THAT(names(runs[1]), ElementsAre("outer", "module"));
  EXPECT_TRUE(runs[0].is_whole && runs[1].is_whole);
  EXPECT_LT(runs[0].place, runs[1].place);
  EXPECT_EQ(runs[0].frames[0].file, "/a/inner.py");
  EXPECT_EQ(runs[0].frames[0].line, 5u);
}

TEST(PythonStackTest, AnotherThreadsFunctionsAreNotTaken) {
  Program program;
  program.call("module", true);
  EXPECT_THAT(program.look({.native_id = 5, .stack_begin = 1, .stack_end = 2}), IsEmpty());
  // By its place alone, as in a child of fork(2); by its id alone, where the C stack ends early.
  EXPECT_THAT(
      program.look({.native_id = 5, .stack_begin = Heap::kBase, .stack_end = Heap::kBase + 4096}),
      SizeIs(1));
  EXPECT_THAT(program.look({.native_id = Program::kId, .stack_begin = 1, .stack_end = 2}),
              SizeIs(1));
}

TEST(PythonStackTest, WhatHasBegunLaterIsLeftOut) {
  Program program;
  program.call("module", true);
  const uint64_t outer = program.stack_top;
  program.call("later", true);
  const auto runs = program.look(
      {.native_id = Program::kId, .stack_begin = outer, .stack_end = Heap::kBase + 4096});
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_THAT(names(runs[0]), ElementsAre("module"));
}

TEST(PythonStackTest, NoMoreThanAskedFor) {
  Program program;
  program.call("module", true);
  for (int i = 0; i < 20; i++) program.call("f", false);
  const auto runs = program.look(7);
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_THAT(runs[0].frames, SizeIs(7));
  EXPECT_FALSE(runs[0].is_whole);
}

TEST(PythonStackTest, AFunctionThatCannotBeReadEndsItsRun) {
  Program program;
  program.call("module", true);
  const uint64_t broken = program.call("broken", false);
  program.call("inner", false);
  program.heap.set<uint64_t>(broken + layout().frame.code, 0xdead);
  const auto runs = program.look();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_THAT(names(runs[0]), ElementsAre("inner"));
  EXPECT_FALSE(runs[0].is_whole);
}

TEST(PythonStackTest, BeforeTheInterpreterIsUp) {
  Program program;
  EXPECT_THAT(program.look(), IsEmpty());  // a thread, and no function
  program.heap.set<uint64_t>(program.runtime + layout().runtime.interpreters, 0);
  EXPECT_THAT(program.look(), IsEmpty());
  program.runtime = 0x99999999;
  EXPECT_THAT(program.look(), IsEmpty());
}

TEST(PythonStackTest, ListsThatRunInCirclesEnd) {
  const PythonLayout& at = layout();
  for (int which = 0; which < 4; which++) {
    Program program;
    const uint64_t frame = program.call("module", true);
    if (which == 0) program.heap.set(program.thread + at.thread.next, program.thread);
    if (which == 1)
      program.heap.set(program.interpreter + at.interpreter.next, program.interpreter);
    if (which == 2) program.heap.set(program.stack_top + at.eval.previous, program.stack_top);
    if (which == 3) {
      program.heap.set(frame + at.frame.previous, frame);
      program.heap.set<char>(frame + at.frame.is_entry, 0);
    }
    program.look();
    EXPECT_LT(program.heap.reads, 2'000'000u) << which;
  }
}

// Whatever stands there: it ends, and reads nothing that it must not.
TEST(PythonStackTest, AnyByteMayBeWrong) {
  std::mt19937 random(7);
  for (int turn = 0; turn < 3000; turn++) {
    Program program;
    program.call("module", true);
    program.call("outer", false);
    program.call("callback", true);
    for (int i = 0; i < 8; i++) {
      const size_t at = 4096 - 512 + random() % (program.heap.bytes.size() - 4096 + 512);
      program.heap.bytes[at] = static_cast<char>(random());
    }
    size_t frames = 0;
    for (const PythonRun& run : program.look(64)) frames += run.frames.size();
    EXPECT_LE(frames, 64u);
  }
}

}  // namespace
}  // namespace wc
