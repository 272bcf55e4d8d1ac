// printf formats: which variadic words there are and what they mean.
#include <gtest/gtest.h>

#include "decode/decoder.h"
#include "decode_fake_memory.h"

namespace wc {
namespace {

class Format : public testing::Test {
 protected:
  std::string decode(std::string_view format, std::vector<uint64_t> words,
                     std::vector<double> doubles = {}) {
    Call call(memory);
    decode_format_args(call.context(), format, words, doubles, call.args);
    return join_args(call.args);
  }
  FakeMemory memory;
};

TEST_F(Format, Integers) {
  EXPECT_EQ(decode("hello %d\n", {3}), "3");
  EXPECT_EQ(decode("%d %u %x %o", {UINT64_MAX, UINT64_MAX, 255, 8}), "-1, 4294967295, 0xff, 010");
  EXPECT_EQ(decode("%ld %lu %zx", {UINT64_MAX, UINT64_MAX, 0}), "-1, 18446744073709551615, 0");
  EXPECT_EQ(decode("%hhd %hu", {0x1ff, 0x12345}), "-1, 9029");
  EXPECT_EQ(decode("%-08lld|%+5d", {7, 8}), "7, 8");
}

TEST_F(Format, NothingTaken) {
  EXPECT_EQ(decode("100%% of %m", {1, 2}), "");
  EXPECT_EQ(decode("", {1}), "");
  EXPECT_EQ(decode("%", {1}), "");
  EXPECT_EQ(decode("%5", {1}), "");
  EXPECT_EQ(decode("%l", {1}), "");
}

TEST_F(Format, StringsAndCharacters) {
  const uint64_t text = memory.put_string("a\nb");
  EXPECT_EQ(decode("%s %c %c", {text, 'x', '\n'}), "\"a\\nb\", 'x', '\\n'");
  EXPECT_EQ(decode("%s", {0}), "NULL");
  EXPECT_EQ(decode("%s", {0xbad000}), "0xbad000");
  EXPECT_EQ(decode("%p %n", {0x10, 0}), "0x10, NULL");
}

// The array has no terminator: with a precision that is no error.
TEST_F(Format, PrecisionBoundsAString) {
  const uint64_t text = memory.put("abcdef");
  EXPECT_EQ(decode("%.3s", {text}), "\"abc\"");
  EXPECT_EQ(decode("%.*s", {6, text}), "6, \"abcdef\"");
  EXPECT_EQ(decode("%.*s", {static_cast<uint64_t>(-1), memory.put_string("all")}), "-1, \"all\"");
  EXPECT_EQ(decode("%.7s", {text}), "0x10000");  // one byte more than can be read
}

TEST_F(Format, StarsTakeWords) {
  EXPECT_EQ(decode("%*d|%-*.*d", {5, 1, 6, 7, 2}), "5, 1, 6, 7, 2");
}

TEST_F(Format, DoublesComeFromTheirOwnRegisters) {
  EXPECT_EQ(decode("%d %g %d %f", {1, 2}, {0.5, 3}), "1, 0.5, 2, 3");
  EXPECT_EQ(decode("%g", {7}), "?");
  EXPECT_EQ(decode("%Lg %g", {}, {1.5}), "?, 1.5");
}

TEST_F(Format, Positions) { EXPECT_EQ(decode("%2$d %1$d", {1, 2}), "2, 1"); }

TEST_F(Format, MissingWords) { EXPECT_EQ(decode("%d %d %s", {1}), "1, ?, ?"); }

TEST_F(Format, AFormatCannotAskForAnyNumber) {
  std::string format;
  for (int i = 0; i < 10000; i++) format += "%d";
  Call call(memory);
  decode_format_args(call.context(), format, {}, {}, call.args);
  EXPECT_EQ(call.args.size(), 65u);
  EXPECT_EQ(call.args.back().text, "...");
  EXPECT_EQ(decode("%99999999999999999999d", {1}), "1");
}

TEST_F(Format, WideStrings) {
  const wchar_t text[] = L"h\u00e9";
  EXPECT_EQ(decode("%ls", {memory.put_value(text)}), "L\"h\\303\\251\"");
}

}  // namespace
}  // namespace wc
