// Plans read from JSON, results written as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "measure/plan_file.h"
#include "measure/result_json.h"

namespace wc::measure {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::string with_row(const std::string& more) {
  return R"({"rounds": 3, "limit": 2.5, "rows": [{"title": "t",
      "variants": [{"name": "native", "command": ["a", "b"]}])" +
         more + "}]}";
}

std::string fault(const std::string& text) {
  const Result<Plan> plan = parse_plan(text);
  return plan ? "(accepted)" : plan.error().message;
}

TEST(PlanFile, TheLeast) {
  const Result<Plan> plan = parse_plan(with_row(""));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->rounds, 3);
  EXPECT_EQ(plan->limits.run_seconds, 2.5);
  ASSERT_EQ(plan->rows.size(), 1u);
  EXPECT_FALSE(plan->rows[0].figure);
  EXPECT_THAT(plan->rows[0].variants[0].command, ElementsAre("a", "b"));
}

TEST(PlanFile, All) {
  const Result<Plan> plan = parse_plan(with_row(
      R"x(, "unit": "ns", "runs": 5, "pick": "best", "per": 20, "reference": "strace -f",
      "before": ["rm", "x"], "figure": {"pattern": "(.)", "better": "more", "from": "stderr"},
      "load": {"command": "c", "ready": "r"})x"));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const Row& row = plan->rows[0];
  EXPECT_EQ(row.unit, "ns");
  EXPECT_EQ(row.runs, 5);
  EXPECT_EQ(row.pick, Pick::Best);
  EXPECT_EQ(row.per, 20);
  EXPECT_EQ(row.better(), Better::More);
  EXPECT_EQ(row.figure->printed_to, PrintedTo::StandardError);
  EXPECT_EQ(row.load->ready, "r");
  EXPECT_THAT(row.before, ElementsAre("rm", "x"));
}

TEST(PlanFile, WhatIsWrongIsNamed) {
  EXPECT_THAT(fault("{"), HasSubstr("parse error"));
  EXPECT_THAT(fault("[]"), HasSubstr("no object"));
  EXPECT_THAT(fault(R"({"rows": [], "round": 3})"), HasSubstr("unknown key 'round'"));
  EXPECT_THAT(fault(R"({"rows": [{"title": "t", "variants": []}]})"), HasSubstr("no variants"));
  EXPECT_THAT(fault(R"({"rounds": 0, "rows": []})"), HasSubstr("rounds"));
  EXPECT_THAT(fault(with_row(R"(, "pick": "worst")")), HasSubstr("'worst'"));
  EXPECT_THAT(fault(with_row(R"(, "runs": 0)")), HasSubstr("at least 1"));
  EXPECT_THAT(fault(with_row(R"(, "per": "x")")), HasSubstr("type"));
  EXPECT_THAT(fault(with_row(R"(, "figure": {"pattern": "x"})")), HasSubstr("no group"));
}

RowResult some_row() {
  RowResult row;
  row.row.title = "a \"title\"";
  row.row.reference = "tool";
  VariantResult native, tool, bad;
  native.variant = {"native", {"p", "\xff"}, "", ""};
  native.samples[1] = Sample{10, 0.01, 0.002, 0};
  tool.variant = {"tool", {"t", "p"}, "", ""};
  tool.samples[1] = Sample{30, 0.03, 0.004, 0};
  tool.seen = Seen{20, 5};
  bad.variant = {"bad", {"b"}, "", ""};
  bad.failure = "no end";
  row.variants = {native, tool, bad};
  return row;
}

TEST(ResultJson, HasSamplesAndWhatFollowsFromThem) {
  const json row = json::parse(row_json(some_row()));
  EXPECT_EQ(row["title"], "a \"title\"");
  EXPECT_EQ(row["better"], "less");
  const json& tool = row["variants"][1];
  EXPECT_EQ(tool["samples"][0]["figure"], 30);
  EXPECT_EQ(tool["times"]["median"], 3);
  EXPECT_EQ(tool["over"]["median"], 20);
  EXPECT_EQ(tool["events"], 20);
  EXPECT_EQ(tool["attributed"], 5);
  EXPECT_NEAR(tool["per_event"]["median"].get<double>(), 1e6, 1e-3);
  EXPECT_EQ(row["variants"][2]["failure"], "no end");
  EXPECT_TRUE(row["variants"][2]["figure"].is_null());
}

TEST(ResultJson, BytesThatAreNoTextDoNotBreakIt) {
  EXPECT_TRUE(json::accept(row_json(some_row())));
  EXPECT_EQ(json::parse(quoted("a\"\n")), "a\"\n");
}

TEST(ResultJson, Head) {
  const json head = json::parse(head_json(this_machine(), {"one", "two"}));
  EXPECT_THAT(head["kernel"].get<std::string>(), HasSubstr("Linux"));
  EXPECT_EQ(head["facts"][1], "two");
}

}  // namespace
}  // namespace wc::measure
