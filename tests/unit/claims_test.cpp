// What claims mean, what is counted for them, and what is said of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "claims/claim.h"
#include "claims/claim_report.h"
#include "claims/claim_set.h"

namespace wc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Claim good(std::string_view text) {
  auto claim = parse_claim(text);
  EXPECT_TRUE(claim.ok()) << text << ": " << (claim.ok() ? "" : claim.error().message);
  return claim.ok() ? *claim : Claim();
}

std::string bad(std::string_view text, std::string_view where = {}) {
  auto claim = parse_claim(text, where);
  EXPECT_FALSE(claim.ok()) << text;
  return claim.ok() ? "" : claim.error().message;
}

TEST(Claims, Parts) {
  const Claim claim = good(" errors:openat,%network@fopen,@net != 12 ");
  EXPECT_EQ(claim.kind, ClaimKind::Errors);
  EXPECT_EQ(claim.op, ClaimOp::NotEqual);
  EXPECT_EQ(claim.limit, 12U);
  EXPECT_TRUE(claim.syscalls[SYS_openat] && claim.syscalls[SYS_connect]);
  EXPECT_FALSE(claim.syscalls[SYS_read]);
  EXPECT_EQ(claim.functions.terms.size(), 2U);
  EXPECT_EQ(claim.text, "errors:openat,%network@fopen,@net != 12");
}

TEST(Claims, ColonsAndSignsOfNamesAreNoneOfTheGrammar) {
  EXPECT_THAT(good("read@Cache::load<int> <= 3").functions.methods,
              ElementsAre("Cache::load<int>"));
  EXPECT_THAT(good("read@::load == 3").functions.methods, ElementsAre("load"));
  EXPECT_THAT(good("calls::load == 3").functions.methods, ElementsAre("load"));
  EXPECT_THAT(good("calls:::load == 3").functions.methods, ElementsAre("load"));
  EXPECT_THAT(good("calls:A::b == 3").functions.methods, ElementsAre("A::b"));
  EXPECT_EQ(good("read@scope:request == 3").functions.terms.size(), 1U);
  EXPECT_EQ(good("calls:scope:request == 3").functions.terms.size(), 1U);
  EXPECT_THAT(good("read@Box::operator< < 3").functions.methods, ElementsAre("Box::operator<"));
}

TEST(Claims, Units) {
  EXPECT_EQ(good("time:read < 50ms").limit, 50'000'000U);
  EXPECT_EQ(good("max:read < 1.5 s").limit, 1'500'000'000U);
  EXPECT_EQ(good("max:read < 2min").limit, 120'000'000'000U);
  EXPECT_EQ(good("bytes:read <= 64KiB").limit, 65536U);
  EXPECT_EQ(good("bytes:read <= 3 GB").limit, 3'000'000'000U);
  EXPECT_EQ(good("bytes:read <= 18446744073709551615").limit, UINT64_MAX);
  EXPECT_THAT(bad("bytes:read <= 18446744073709551615 kB"), HasSubstr("is no number of bytes"));
  EXPECT_THAT(bad("bytes:read <= 0.3B"), HasSubstr("is no number of bytes"));
  EXPECT_THAT(bad("time:read <= 1.2.3s"), HasSubstr("is no time"));
  EXPECT_THAT(bad("time:read <= infs"), HasSubstr("is no time"));
}

TEST(Claims, WhatIsWrongIsSaidWhereItStands) {
  EXPECT_THAT(bad("read ~ 3"), HasSubstr("option --expect: claim 'read ~ 3': no operator"));
  EXPECT_THAT(bad("reed == 3", "a.txt:7"), HasSubstr("a.txt:7: claim 'reed == 3': "));
  EXPECT_THAT(bad(""), HasSubstr("no operator"));
  EXPECT_THAT(bad("none == 0"), HasSubstr("no system call"));
  EXPECT_THAT(bad("bytes:fsync,write == 0"),
              HasSubstr("the result of fsync is no number of bytes"));
  EXPECT_THAT(bad("bytes:%clock == 0"), HasSubstr("no system call of '%clock'"));
}

TEST(Claims, AnyBytesAreRefusedOrAClaim) {
  const std::string alphabet = "write@:=<>! 0x\n\xff,%/*";
  uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (state = state * 6364136223846793005 + 1442695040888963407; text.size() < (state >> 60);)
      text += alphabet[(state >> (text.size() % 50)) % alphabet.size()];
    const auto claim = parse_claim(text);
    EXPECT_TRUE(claim.ok() || !claim.error().message.empty()) << text;
  }
}

// ---- What is counted

constexpr int32_t kPid = 7;

class ClaimRun : public ::testing::Test {
 protected:
  void claim(std::initializer_list<std::string_view> texts) {
    std::vector<Claim> claims;
    for (const std::string_view text : texts) claims.push_back(good(text));
    set_ = std::make_unique<ClaimSet>(std::move(claims));
  }
  void call(uint64_t id, const char* function, uint64_t parent = 0, uint32_t line = 1) {
    const wc_call event{
        .pid = kPid,
        .tid = kPid,
        .id = id,
        .parent = parent,
        .function = function,
        .symbol = function,
        .library = "libc.so.6",
        .caller = {
            .address = 1, .object = "/bin/p", .symbol = "f", .file = "/src/p.c", .line = line}};
    set_->callbacks().call(set_.get(), &event);
  }
  void ret(uint64_t id) {
    const wc_return event{.pid = kPid, .tid = kPid, .call = id};
    set_->callbacks().ret(set_.get(), &event);
  }
  void syscall(uint64_t call, uint32_t nr, int64_t result, uint64_t dur = 10) {
    wc_syscall event{.dur = dur, .pid = kPid, .tid = kPid, .call = call, .nr = nr};
    event.ret = result < 0 ? -1 : result;
    event.error = result < 0 ? static_cast<int32_t>(-result) : 0;
    set_->callbacks().syscall_exit(set_.get(), &event);
  }
  std::vector<std::string> lines(bool all = true) { return claim_lines(set_->outcomes(), all); }

  std::unique_ptr<ClaimSet> set_;
};

TEST_F(ClaimRun, ANestedCallCountsForThoseAroundItAndThePlaceIsTheOutermosts) {
  claim({"write@printf == 0", "write@fflush == 0", "write@puts == 0", "write == 0"});
  call(1, "printf", 0, 10);
  call(2, "fflush", 1, 99);
  syscall(2, SYS_write, 5);
  ret(2);
  ret(1);
  call(3, "fflush", 0, 20);
  syscall(3, SYS_write, 5);
  syscall(3, SYS_read, 5);
  ret(3);
  syscall(0, SYS_write, 1);
  EXPECT_THAT(
      lines(),
      ElementsAre("claim 'write@printf == 0' does not hold: 1; by f at p.c:10 (1)",
                  "claim 'write@fflush == 0' does not hold: 2; by f at p.c:20 (1), f at p.c:99 (1)",
                  "claim 'write@puts == 0' holds: 0",
                  "claim 'write == 0' does not hold: 3; by f at p.c:10 (1), f at p.c:20 (1), "
                  "outside of every call (1)"));
}

TEST_F(ClaimRun, ErrorsBytesAndTimes) {
  claim({"errors:write == 0", "bytes:%desc == 0", "time:write == 0 ns", "max:write == 0ns",
         "calls:puts > 9"});
  for (uint64_t id = 1; id <= 4; ++id) {
    call(id, "puts", 0, 3);
    syscall(id, SYS_write, id == 2 ? -28 : 100, id * 1'250'000);
    ret(id);
  }
  syscall(0, SYS_fsync, 77);
  EXPECT_THAT(
      lines(),
      ElementsAre("claim 'errors:write == 0' does not hold: 1; by f at p.c:3 (1)",
                  "claim 'bytes:%desc == 0' does not hold: 300; by f at p.c:3 (300)",
                  "claim 'time:write == 0 ns' does not hold: 12.5 ms; by f at p.c:3 (12.5 ms)",
                  "claim 'max:write == 0ns' does not hold: 5 ms; by f at p.c:3 (5 ms)",
                  "claim 'calls:puts > 9' does not hold: 4; by f at p.c:3 (4)"));
}

TEST_F(ClaimRun, ThreePlacesAtMostTheLargestFirst) {
  claim({"write < 1"});
  for (uint64_t id = 1; id <= 10; ++id) {
    call(id, "puts", 0, id <= 4 ? 4 : id <= 7 ? 7 : static_cast<uint32_t>(id) * 10);
    syscall(id, SYS_write, 1);
    ret(id);
  }
  EXPECT_THAT(lines(),
              ElementsAre("claim 'write < 1' does not hold: 10; by f at p.c:4 (4), f at p.c:7 (3), "
                          "f at p.c:100 (1)"));
}

TEST_F(ClaimRun, LostEventsAndSampledCallsDecideNothing) {
  claim({"write <= 5"});
  syscall(0, SYS_write, 1);
  const wc_lost lost{.pid = kPid, .count = 12};
  set_->callbacks().lost(set_.get(), &lost);
  EXPECT_THAT(
      lines(false),
      ElementsAre("claim 'write <= 5' cannot be checked: 12 events were lost; counted 1; by "
                  "outside of every call (1)"));
  claim({"write <= 5"});
  const wc_call event{.id = 1, .function = "puts", .weight = 10};
  set_->callbacks().call(set_.get(), &event);
  EXPECT_THAT(lines(false),
              ElementsAre(HasSubstr("cannot be checked: not all calls were looked at")));
}

TEST_F(ClaimRun, CallsOfAProcessThatHasEndedAreForgotten) {
  claim({"write@puts == 0"});
  call(1, "puts");
  const wc_process exit{.pid = kPid, .tid = kPid, .event = WC_PROCESS_EXIT};
  set_->callbacks().process(set_.get(), &exit);
  syscall(1, SYS_write, 1);
  EXPECT_THAT(lines(), ElementsAre("claim 'write@puts == 0' holds: 0"));
}

TEST_F(ClaimRun, OnlyWhatIsAskedForIsWanted) {
  claim({"write == 0"});
  EXPECT_EQ(set_->callbacks().wants, uint32_t{WC_WANT_CALLER});
  claim({"time:write == 0s", "calls:puts == 0"});
  EXPECT_EQ(set_->callbacks().wants, WC_WANT_CALLER | WC_WANT_ALL_CALLS | WC_WANT_SYSCALL_TIME);
}

TEST_F(ClaimRun, HostileNamesMakeNeitherTerminalNorXmlDoAnything) {
  claim({"write == 0"});
  const wc_call event{.pid = kPid,
                      .tid = kPid,
                      .id = 1,
                      .function = "puts",
                      .caller = {.symbol = "f\x1b[2J<&\">\xff", .offset = 1}};
  set_->callbacks().call(set_.get(), &event);
  syscall(1, SYS_write, 1);
  EXPECT_THAT(lines(),
              ElementsAre("claim 'write == 0' does not hold: 1; by f\\33[2J<&\">\\377+0x1 (1)"));
  const std::string xml = claims_junit(
      set_->outcomes(), {.suite = "<p>", .timestamp = "2026-11-28T18:00:00", .seconds = 1.5});
  EXPECT_THAT(xml, HasSubstr("f\\33[2J&lt;&amp;&quot;&gt;\\377+0x1"));
  EXPECT_THAT(
      xml,
      HasSubstr(
          R"(<testsuite name="&lt;p&gt;" skipped="0" tests="1" failures="1" errors="0" time="1.500")"));
  EXPECT_EQ(xml.find('\x1b'), xml.npos);
}

}  // namespace
}  // namespace wc
