// The model of wc-top, drawn: sizes hold, hostile names do not get through.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <clocale>
#include <string>

#include "top/text.h"
#include "top/view.h"

namespace wc::top {
namespace {

using testing::HasSubstr;
using testing::Not;

class TopViewTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
    model_.connected();
  }
  void fill(size_t functions, const std::string& name = "function_") {
    Sample sample;
    sample.ts = 2'000'000'000;
    TableSample table;
    table.since = 1'000'000'000;
    for (size_t i = 0; i < functions; i++) {
      Row row;
      row.name = fmt::format("{}{}", name, i);
      row.counts = {i + 1, i, 0, 1'000'000 * (functions - i)};
      row.average_ns = 1000;
      row.parts.push_back({"read", row.counts});
      table.rows.push_back(row);
    }
    sample.tables[0] = table;
    sample.tables[1] = table;
    model_.take(sample);
  }
  std::string text(Size size = {}) {
    std::string all;
    const auto lines = draw(model_, size);
    EXPECT_EQ(lines.size(), size.height);
    for (const Line& line : lines) {
      EXPECT_LE(width(plain_text(line)), size.width) << plain_text(line);
      all += plain_text(line) + '\n';
    }
    return all;
  }
  void type(std::string_view keys) {
    for (const char c : keys)
      (void)model_.press(c == '\n' ? Key{KeyName::Enter, 0}
                                   : Key{KeyName::Character, static_cast<char32_t>(c)});
  }

  Model model_{"program", Whose::Own, 1000};
};

TEST_F(TopViewTest, EightyByTwentyFour) {
  fill(100);
  const std::string screen = text();
  EXPECT_THAT(screen, HasSubstr("NAME"));
  EXPECT_THAT(screen, HasSubstr("TIMEv"));
  EXPECT_THAT(screen, HasSubstr("P99"));
  EXPECT_THAT(screen, HasSubstr("function_17"));
  EXPECT_THAT(screen, Not(HasSubstr("function_18")));
  EXPECT_THAT(screen, HasSubstr("q quit"));
}

TEST_F(TopViewTest, AnySizeHolds) {
  fill(50, "a\xe6\xbc\xa2\xe5\xad\x97_");
  for (const char* keys : {"", "?", "\x1b", "/a", "\n\n", "v", "R", "S"}) {
    type(keys);
    for (size_t columns = 1; columns < 140; columns += 3)
      for (size_t lines = 1; lines < 40; lines += 4) text({columns, lines});
  }
}

TEST_F(TopViewTest, TheChosenRowIsOnTheScreen) {
  fill(10'000);
  (void)model_.press({KeyName::End, 0});
  EXPECT_THAT(text(), HasSubstr("function_9999"));
  for (int i = 0; i < 3; i++) (void)model_.press({KeyName::PageUp, 0});
  const RatedRow* row = model_.table().selected();
  EXPECT_THAT(text(), HasSubstr(row->row.name));
}

TEST_F(TopViewTest, HostileNamesAreEscapedOnEveryPage) {
  fill(3, "\x1b]0;owned\x07\xff");
  model_.say("\x1b[2J", true);
  model_.printed("\x1b[2Jprinted\x1b]0;title\n");
  auto check = [this] {
    const std::string screen = text({100, 30});
    for (const char c : screen)
      EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << screen;
    return screen;
  };
  EXPECT_THAT(check(), HasSubstr("\\x1b]0;owned\\x07\\xff0"));
  type("\n");
  Sample recent;
  recent.ts = 3'000'000'000;
  recent.recent.emplace();
  RecentCall call;
  call.function =
      "\x1b]0;owned\x07\xff"
      "0";
  call.text = "open(\x1b[31m)";
  call.stack = {
      "\x9b"
      "31m"};
  recent.recent->push_back(call);
  model_.take(recent);
  EXPECT_THAT(check(), HasSubstr("open(\\x1b[31m)"));
  type("\n");
  EXPECT_THAT(check(), HasSubstr("\\x9b31m"));
  type("v");
  EXPECT_THAT(check(), HasSubstr("printed"));
  type(":\x1b");
  check();
}

TEST_F(TopViewTest, WhatIsWrongIsSaid) {
  fill(1);
  model_.say("functions remove x: no such function", true);
  EXPECT_THAT(text(), HasSubstr("no such function"));
  model_.trace_is_over(RunState::Gone, "the tracer has gone");
  EXPECT_THAT(text(), HasSubstr("TRACER GONE"));
  EXPECT_THAT(text(), HasSubstr("the tracer has gone"));
}

TEST_F(TopViewTest, RowsThatWereNotSentAreCounted) {
  Sample sample;
  sample.ts = 2;
  sample.tables[0].emplace();
  sample.tables[0]->hidden = 1234;
  model_.take(sample);
  EXPECT_THAT(text({100, 24}), HasSubstr("1,234 more"));
}

}  // namespace
}  // namespace wc::top
