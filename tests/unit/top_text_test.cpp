// What may reach the terminal of wc-top, and how wide it is.
#include <gmock/gmock.h>

#include <clocale>
#include <string>

#include "top/options.h"
#include "top/output_lines.h"
#include "top/text.h"

namespace wc::top {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TopTextTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
};

TEST_F(TopTextTest, NothingThatMovesTheCursorGetsThrough) {
  EXPECT_EQ(clean("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(clean("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(clean(std::string("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(clean("\xc2\x9b"
                  "31m"),
            "\\x9b31m");  // CSI as one character
  EXPECT_EQ(clean("\xe2\x80\xae"
                  "evil"),
            "\\u{202e}evil");  // writes from right to left
  EXPECT_EQ(clean("a\xe2\x80\x8b"
                  "b"),
            "a\\u{200b}b");  // takes no room
}

TEST_F(TopTextTest, InvalidUtf8IsShownAsBytes) {
  EXPECT_EQ(clean("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(clean("\xc0\xaf"), "\\xc0\\xaf");           // too long
  EXPECT_EQ(clean("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(clean("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(clean("a\xe2\x82"), "a\\xe2\\x82");  // cut off
  EXPECT_EQ(clean("\xc3\xa9\xe6\xbc\xa2"), "\xc3\xa9\xe6\xbc\xa2");
}

TEST_F(TopTextTest, MarksStayOnTheirLetter) {
  const std::string mark = "\xcc\x81";
  EXPECT_EQ(clean("e" + mark), "e" + mark);
  EXPECT_EQ(width(clean("e" + mark)), 1U);
  std::string tower = "e";
  for (int i = 0; i < 50; i++) tower += mark;
  EXPECT_THAT(clean(tower), HasSubstr("\\u{301}"));
  EXPECT_EQ(clean(mark), "\\u{301}");  // on nothing
}

TEST_F(TopTextTest, WideCharactersAreCutWhole) {
  const std::string kanji = "\xe6\xbc\xa2\xe5\xad\x97";
  EXPECT_EQ(width(kanji), 4U);
  EXPECT_EQ(cut(kanji, 4), kanji);
  EXPECT_EQ(cut(kanji, 3), "\xe6\xbc\xa2~");
  EXPECT_EQ(cut(kanji, 2), "~");
  EXPECT_EQ(fit(kanji, 2, Align::Left), "~ ");
  EXPECT_EQ(fit("ab", 4, Align::Right), "  ab");
  EXPECT_EQ(skip(kanji, 2), "\xe5\xad\x97");
  EXPECT_EQ(skip(kanji, 1), " \xe5\xad\x97");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST_F(TopTextTest, NumbersAreShort) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(short_count(999'999), "999,999");
  EXPECT_EQ(short_count(1'000'000), "1.00M");
  EXPECT_EQ(short_time(999), "999 ns");
  EXPECT_EQ(short_time(1500), "1.50 us");
  EXPECT_EQ(short_time(999'499'999), "999 ms");
  EXPECT_EQ(short_time(12'300'000'000'000), "3:25 h");
  for (uint64_t value = 1; value < uint64_t{1} << 62; value *= 3) {
    EXPECT_LE(short_count(value).size(), 8U) << value;
    const uint64_t ten_years = 315'000'000'000'000'000;
    EXPECT_LE(short_time(value % ten_years).size(), 8U) << value;
  }
}

TEST_F(TopTextTest, WhatAProgramPrintsBecomesLines) {
  OutputLines output;
  output.add(
      "one\ntwo\x1b[31m red\x1b[0m\r\nfirst\rsecond\n\x1b]0;title\x07"
      "ab\bc");
  EXPECT_THAT(output.lines(), ElementsAre("one", "two red", "second", "ac"));
  output.add("\x1b");
  output.add("[1mx\n\xff\n");
  EXPECT_THAT(output.lines(), ElementsAre("one", "two red", "second", "acx", "\\xff", ""));
}

TEST_F(TopTextTest, OutputThatNeverEndsIsKeptInPart) {
  OutputLines output;
  output.add(std::string(100'000, 'x'));
  EXPECT_EQ(output.lines().back().size(), OutputLines::kLongestLine);
  for (int i = 0; i < 5000; i++) output.add("line\n");
  EXPECT_EQ(output.lines().size(), OutputLines::kMostLines);
  EXPECT_GT(output.forgotten(), 3000U);
  output.add("\x1b]never ended\nseen\n");
  EXPECT_EQ(output.lines()[OutputLines::kMostLines - 2], "seen");
}

Result<TopOptions> parsed(std::vector<const char*> words) { return parse_top_options(words); }

TEST(TopOptionsTest, ThreeWaysToWatch) {
  const auto path = parsed({"--interval", "200", "/tmp/s"});
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(path->path, "/tmp/s");
  EXPECT_EQ(path->interval_ms, 200U);
  const auto own = parsed({"-k", "-F", "@net", "--table=caller", "--", "./p", "-p", "--rows"});
  ASSERT_TRUE(own.ok()) << own.error().message;
  EXPECT_EQ(own->whose, Whose::Own);
  EXPECT_EQ(own->table, Table::Caller);
  EXPECT_THAT(preload_words(*own, "/s"), ElementsAre("--control", "/s", "-b", "none", "-k", "-F",
                                                     "@net", "--", "./p", "-p", "--rows"));
  EXPECT_EQ(title_of(*own), "p -p --rows");
  const auto attached = parsed({"-p", "12", "-b", "json"});
  ASSERT_TRUE(attached.ok());
  EXPECT_EQ(attached->whose, Whose::Attached);
  EXPECT_THAT(preload_words(*attached, "/s"),
              ElementsAre("--control", "/s", "-p", "12", "-b", "json"));
}

TEST(TopOptionsTest, WhatIsRefused) {
  EXPECT_THAT(parsed({}).error().message, HasSubstr("what is to be watched"));
  EXPECT_THAT(parsed({"-F", "open", "./p"}).error().message, HasSubstr("-F"));
  EXPECT_THAT(parsed({"./p", "x"}).error().message, HasSubstr("-- PROGRAM"));
  EXPECT_THAT(parsed({"--"}).error().message, HasSubstr("no program"));
  EXPECT_THAT(parsed({"--control", "/s", "--", "p"}).error().message, HasSubstr("wc-top PATH"));
  EXPECT_THAT(parsed({"--interval", "1", "/s"}).error().message, HasSubstr("from 100 to"));
  EXPECT_THAT(parsed({"--interval"}).error().message, HasSubstr("missing"));
  EXPECT_THAT(parsed({"--table", "x", "/s"}).error().message, HasSubstr("caller and path"));
}

}  // namespace
}  // namespace wc::top
