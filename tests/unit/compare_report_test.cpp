// The table, the chart and the page; numbers as people read them; the progress bar.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare/progress.h"
#include "compare/reports.h"

namespace wc::compare {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

measure::Spread spread(double middle) { return {middle, middle * 0.9, middle * 1.1}; }

Line line(Kind kind, const std::string& name, double milliseconds, double times) {
  Line result;
  result.kind = kind;
  result.name = name;
  result.figures.figure = spread(milliseconds);
  result.figures.cpu = spread(0.012);
  if (kind == Kind::Native) return result;
  result.figures.times = spread(times);
  result.figures.per_event = spread(1234);
  result.seen = {12345, 12345};
  return result;
}

Report some_report() {
  Report report;
  report.title = "prog '<a> & \"b\"'";
  report.facts = {"Linux on a machine", "5 rounds"};
  report.unit = "ms";
  report.lines = {
      line(Kind::Native, "native", 10, 1), line(Kind::Scoped, "scoped: inproc", 12, 1.2),
      line(Kind::Process, "--scope=process", 50, 5), line(Kind::Peer, "strace -f", 90, 9)};
  Line hung;
  hung.kind = Kind::Peer;
  hung.name = "ltrace -f -S";
  hung.trouble = "failed: no end after 30 s | killed";
  report.lines.push_back(hung);
  return report;
}

TEST(Words, ThreeDigits) {
  EXPECT_EQ(number(0.1234), "0.12");
  EXPECT_EQ(number(0.01234), "0.012");
  EXPECT_EQ(number(1.234), "1.23");
  EXPECT_EQ(number(9.999), "10.0");
  EXPECT_EQ(number(99.97), "100");
  EXPECT_EQ(number(1234567.8), "1,234,568");
  EXPECT_EQ(number(-1234), "-1,234");
  EXPECT_EQ(count_text(57), "57");
  EXPECT_EQ(count_text(1000000), "1,000,000");
}

TEST(Words, LongTimesAreSeconds) {
  EXPECT_EQ(with_unit(9.5, "ms"), "9.50 ms");
  EXPECT_EQ(with_unit(12345, "ms"), "12.3 s");
  EXPECT_EQ(with_unit(12345, "/s"), "12,345 /s");
}

TEST(Words, Attribution) {
  EXPECT_EQ(attribution({10, 10}), "all");
  EXPECT_EQ(attribution({10, 0}), "none");
  EXPECT_EQ(attribution({100, 96}), "some (96 %)");
  EXPECT_EQ(attribution({2000, 1999}), "some (> 99 %)");
  EXPECT_EQ(attribution({2000, 1}), "some (< 1 %)");
  EXPECT_EQ(attribution({0, 0}), "-");
}

TEST(Words, CommandLineCanBePasted) {
  EXPECT_EQ(command_line({"a", "-x=1", "it's", ""}), "a -x=1 'it'\\''s' ''");
}

TEST(Table, ColumnsLineUp) {
  const std::string text = table_text(some_report());
  std::size_t width = 0;
  std::istringstream lines(text.substr(text.find("\n| ") + 1));
  for (std::string row; std::getline(lines, row);) {
    if (row.find("ltrace") != row.npos) continue;  // a sentence may stand out
    if (width == 0) width = row.size();
    EXPECT_EQ(row.size(), width) << row;
  }
  EXPECT_GT(width, 0u);
}

TEST(Table, SaysWhatThereIs) {
  EXPECT_THAT(table_text(some_report()),
              AllOf(HasSubstr("- Linux on a machine\n"), HasSubstr("| strace -f "),
                    HasSubstr("9.00x (8.10 to 9.90)"), HasSubstr("90.0 ms (81.0 to 99.0)"),
                    HasSubstr("| 12,345 "), HasSubstr("| 1,234 "), HasSubstr("| all "),
                    HasSubstr("failed: no end after 30 s \\| killed")));
}

TEST(Table, NoPriceWhereNothingWasPaid) {
  Report report = some_report();
  report.lines[1].figures.per_event = measure::Spread{-5, -6, -4};
  EXPECT_EQ(cells(report)[2][5], "-");
}

// Elements are opened and closed in pairs, and nothing of the text is mark-up.
void expect_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at + 1)) {
    const std::size_t end = xml.find('>', at);
    ASSERT_NE(end, xml.npos);
    const std::string tag = xml.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (tag.starts_with("!") || tag.ends_with("/") || name == "meta") continue;
    if (!tag.starts_with("/")) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << tag;
    EXPECT_EQ("/" + open.back(), tag);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

TEST(Chart, IsWellFormedAndCompleteInItself) {
  for (const std::string& text : {chart_svg(some_report()), page_html(some_report())}) {
    expect_well_formed(text);
    EXPECT_THAT(text, AllOf(HasSubstr("&lt;a&gt; &amp; &quot;b&quot;"), Not(HasSubstr("<script")),
                            Not(HasSubstr("href")), Not(HasSubstr("url(")), Not(HasSubstr("nan")),
                            HasSubstr("prefers-color-scheme: dark")));
  }
}

std::size_t bars(const std::string& svg, const std::string& look) {
  const std::string rect = "<rect class=\"" + look + "\"";
  std::size_t count = 0;
  for (std::size_t at = svg.find(rect); at != svg.npos; at = svg.find(rect, at + 1)) count++;
  return count;
}

TEST(Chart, OneBarAToolAndOneInTheLegend) {
  const std::string svg = chart_svg(some_report());
  EXPECT_EQ(bars(svg, "scoped"), 2u);
  EXPECT_EQ(bars(svg, "process"), 2u);
  EXPECT_EQ(bars(svg, "peer"), 2u);  // the one that hung has none
  EXPECT_THAT(svg, HasSubstr("failed: no end after 30 s"));
}

double width_of_first(const std::string& svg, const std::string& look) {
  // The legend's comes first; the bar is the last one of its class.
  const std::size_t at = svg.rfind("<rect class=\"" + look + "\"");
  return std::stod(svg.substr(svg.find("width=\"", at) + 7));
}

TEST(Chart, LengthIsTheLogarithm) {
  Report report = some_report();
  report.lines[1].figures.times = spread(2);   // scoped
  report.lines[2].figures.times = spread(4);   // process
  report.lines[3].figures.times = spread(16);  // peer
  const std::string svg = chart_svg(report);
  EXPECT_NEAR(width_of_first(svg, "process"), 2 * width_of_first(svg, "scoped"), 0.3);
  EXPECT_NEAR(width_of_first(svg, "peer"), 4 * width_of_first(svg, "scoped"), 0.3);
}

TEST(Chart, ExtremesFit) {
  for (const double times : {0.2, 1.0, 1.01, 30'000.0}) {
    Report report = some_report();
    report.lines[3].figures.times = spread(times);
    const std::string svg = chart_svg(report);
    expect_well_formed(svg);
    EXPECT_LT(width_of_first(svg, "peer"), 700) << times;
  }
}

TEST(Progress, BarSaysWhereItIsAndFitsTheLine) {
  measure::Step step{6, 12, 2, 5, "strace -f", "row"};
  EXPECT_EQ(bar_text(step, 40, 120),
            "[##########----------] 6 of 12, round 2 of 5: strace -f, 40 s left");
  EXPECT_EQ(bar_text(step, 40, 20).size(), 19u);
  step.round = 0;
  EXPECT_THAT(bar_text(step, 0, 120), AllOf(HasSubstr("warm-up"), Not(HasSubstr("left"))));
}

}  // namespace
}  // namespace wc::compare
