// Backend otlp without a network: trace contexts, sampling, what follows from an answer, JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "backend_test_host.h"
#include "otlp_json.h"
#include "otlp_sender.h"
#include "otlp_trace.h"

namespace wc::backends {
namespace {

using ::testing::HasSubstr;

constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, IsReadAsTheW3cSays) {
  const auto parent = parse_traceparent(kParent);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace.high, 0x0af7651916cd43ddU);
  EXPECT_EQ(parent->trace.low, 0x8448eb211c80319cU);
  EXPECT_EQ(parent->span, 0xb7ad6b7169203331U);
  EXPECT_TRUE(parent->is_sampled);
  const std::string text = kParent;
  EXPECT_FALSE(parse_traceparent(text.substr(0, 53) + "00")->is_sampled);
  EXPECT_TRUE(parse_traceparent("cc" + text.substr(2) + "-what a later version adds"));
  for (const std::string& wrong :
       {std::string(), text.substr(0, 54), text + "-x", "ff" + text.substr(2), text + " ",
        "00-" + std::string(32, '0') + text.substr(35),
        text.substr(0, 36) + std::string(16, '0') + "-01",
        "00-0AF7651916CD43DD8448EB211C80319C" + text.substr(35), "0g" + text.substr(2),
        "cc" + text.substr(2) + "x"})
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
}

TEST(TraceContext, IdsAreUniqueAndNeverZero) {
  const IdSource ids, others;
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < 10'000; ++i) {
    seen.insert(ids.span(i));
    seen.insert(ids.span(i | uint64_t{1} << 63));
  }
  EXPECT_EQ(seen.size(), 20'000U);
  EXPECT_FALSE(seen.contains(0));
  EXPECT_NE(ids.span(1), others.span(1));
  std::string text;
  append_hex(text, 0xab);
  EXPECT_EQ(text, "00000000000000ab");
}

TEST(TraceSampler, DecidesByTheLast56Bits) {
  EXPECT_EQ(Sampler(1).state(), "");
  EXPECT_TRUE(Sampler(1).takes({0, 0}));
  const Sampler half(0.5), quarter(0.25), few(0.001);
  EXPECT_EQ(half.state(), "ot=th:8");
  EXPECT_EQ(quarter.state(), "ot=th:c");
  EXPECT_FALSE(half.takes({1, 0x007fffffffffffff}));
  EXPECT_TRUE(half.takes({1, 0x0080000000000000}));
  EXPECT_FALSE(half.takes({1, 0xff7fffffffffffff})) << "what is before them does not count";
  const IdSource ids;
  int taken = 0;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const TraceId trace = ids.trace(i);
    taken += quarter.takes(trace) ? 1 : 0;
    // Who keeps few keeps none that others leave out.
    EXPECT_TRUE(!few.takes(trace) || (quarter.takes(trace) && half.takes(trace)));
  }
  EXPECT_NEAR(taken, 25'000, 800);
}

TEST(OtlpAnswers, WhatIsTriedAgain) {
  for (const int status : {200, 202}) EXPECT_EQ(next_step({.status = status}), NextStep::Done);
  for (const int status : {0, 429, 502, 503, 504})
    EXPECT_EQ(next_step({.status = status}), NextStep::TryAgain) << status;
  for (const int status : {301, 400, 401, 404, 413, 500, 501})
    EXPECT_EQ(next_step({.status = status}), NextStep::GiveUp) << status;
}

TEST(OtlpAnswers, PausesGrowAndObeyTheServer) {
  EXPECT_EQ(pause_ms(0, 0, 0), 1000U);
  EXPECT_EQ(pause_ms(0, 0, 1), 1500U);
  EXPECT_EQ(pause_ms(3, 0, 0), 8000U);
  EXPECT_EQ(pause_ms(1000, 0, 0), 30'000U);
  EXPECT_EQ(pause_ms(0, 7, 0), 7000U);
  EXPECT_EQ(pause_ms(9, 7, 1), 10'500U);
  EXPECT_EQ(pause_ms(0, ~uint64_t{0}, 0), 3'600'000U);
}

TEST(OtlpAnswers, PartialSuccessInAnyForm) {
  const auto rejected = [](const char* body) { return partial_success(body).rejected; };
  EXPECT_EQ(rejected(R"({"partialSuccess":{"rejectedSpans":"12","errorMessage":"why"}})"), 12U);
  EXPECT_EQ(rejected(R"({"partialSuccess":{"rejectedSpans":12}})"), 12U);
  EXPECT_EQ(partial_success(R"({"partialSuccess":{"errorMessage":"why"}})").message, "why");
  for (const char* other :
       {"", "{}", "[]", "null", "<html>", "{\"partialSuccess\":3}",
        "{\"partialSuccess\":{\"rejectedSpans\":-1}}",
        "{\"partialSuccess\":{\"rejectedSpans\":{}, \"errorMessage\":4}}", "\xff"})
    EXPECT_EQ(rejected(other), 0U) << other;
}

TEST(OtlpJson, HasTheFormOfTheSpecification) {
  OtlpBatch batch;
  std::string attributes, events;
  AttributeList list(attributes);
  list.text("text", "a\"\\\n\xff");
  list.integer("least", INT64_MIN);
  list.boolean("yes", true);
  append_event(events, "read", 5, attributes);
  const auto resource = std::make_shared<const std::string>(R"({"attributes":[]})");
  const TraceParent link{{1, 2}, 3, true};
  batch.add(resource, {.trace = {0xa, 0xb},
                       .id = 0xc,
                       .parent = 0xd,
                       .has_remote_parent = true,
                       .link = &link,
                       .state = "ot=th:8",
                       .name = "open",
                       .start = 1'700'000'000'000'000'001,
                       .end = 7,
                       .attributes = attributes,
                       .events = events,
                       .dropped_events = 9,
                       .error = "EIO"});
  EXPECT_EQ(batch.spans(), 1U);
  const auto request = nlohmann::json::parse(batch.take("1.2", ""));
  EXPECT_EQ(batch.spans(), 0U);
  const auto& scope = request["resourceSpans"][0]["scopeSpans"][0];
  EXPECT_EQ(scope["scope"], (nlohmann::json{{"name", "wc-intercept"}, {"version", "1.2"}}));
  const auto& span = scope["spans"][0];
  EXPECT_EQ(span["traceId"], "000000000000000a000000000000000b");
  EXPECT_EQ(span["spanId"], "000000000000000c");
  EXPECT_EQ(span["parentSpanId"], "000000000000000d");
  EXPECT_EQ(span["startTimeUnixNano"], "1700000000000000001");
  EXPECT_EQ(span["endTimeUnixNano"], "1700000000000000001") << "never before the start";
  EXPECT_EQ(span["flags"], 0x301);
  EXPECT_EQ(span["status"], (nlohmann::json{{"code", 2}, {"message", "EIO"}}));
  EXPECT_EQ(span["links"][0]["spanId"], "0000000000000003");
  EXPECT_EQ(span["droppedEventsCount"], 9);
  EXPECT_EQ(span["events"][0]["timeUnixNano"], "5");
  EXPECT_EQ(span["attributes"][0]["value"]["stringValue"], "a\"\\\n\u00ff");
  EXPECT_EQ(span["attributes"][1]["value"]["intValue"], "-9223372036854775808");
  EXPECT_EQ(span["attributes"][2]["value"]["boolValue"], true);
}

// A run of many processes whose traces are not sampled costs what `none` costs.
TEST(OtlpBackend, GathersNothingForATraceThatIsNotSampled) {
  setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", 1);
  const TestHost host(otlp_backend(), {{"output", "file"}});
  unsetenv("TRACEPARENT");
  ASSERT_TRUE(host.is_open()) << host.error();
  EXPECT_EQ(host.table().wants, 0U);
  EXPECT_EQ(host.table().call, nullptr);
  EXPECT_EQ(host.table().syscall_exit, nullptr);
  EXPECT_THAT(host.said().at(0), HasSubstr("not sampled"));
}

TEST(OtlpBackend, EndsWhatIsOpenWhenItsProcessEnds) {
  TestHost host(otlp_backend(), {{"output", "file"}});
  ASSERT_TRUE(host.is_open()) << host.error();
  host.send(call_event(1, "read", "3"));
  host.send(syscall_event(1, "read", "3", "0"));
  host.send(process_event(WC_PROCESS_EXIT));
  host.close();
  const auto request = nlohmann::json::parse(host.take());
  const auto& spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"];
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0]["parentSpanId"], spans[1]["spanId"]);
  EXPECT_THAT(spans[1]["attributes"].dump(), HasSubstr("wc.unfinished"));
}

}  // namespace
}  // namespace wc::backends
