#include "backend_host/backend_set.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "backend_host/backend_spec.h"
#include "backend_host/output.h"
#include "folder_test.h"

namespace wc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

// ---- Specs

TEST(BackendSpecTest, NameAndOptions) {
  const auto spec = parse_backend_spec("summary:sort=calls,output=/tmp/a b=c");
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec.value().name, "summary");
  EXPECT_FALSE(spec.value().is_path());
  EXPECT_EQ(spec.value().options.at("sort"), "calls");
  EXPECT_EQ(spec.value().options.at("output"), "/tmp/a b=c");
  EXPECT_TRUE(parse_backend_spec("./x.so").value().is_path());
  EXPECT_FALSE(parse_backend_spec("text:output=/tmp/x").value().is_path());
}

TEST(BackendSpecTest, ASwitchMayStandAlone) {
  const auto spec = parse_backend_spec("summary:histogram,top=3");
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec.value().options.at("histogram"), "on");
}

TEST(BackendSpecTest, RefusesWhatIsNoOption) {
  const auto message = [](std::string_view text) {
    return parse_backend_spec(text).error().message;
  };
  EXPECT_THAT(message(""), HasSubstr("no backend"));
  EXPECT_THAT(message(":a=b"), HasSubstr("no backend"));
  EXPECT_THAT(message("text:hold"), HasSubstr("'hold' is no option: expected key=value"));
  EXPECT_THAT(message("text:"), HasSubstr("expected key=value"));
  EXPECT_THAT(message("text:=1"), HasSubstr("expected key=value"));
  EXPECT_THAT(message("text:a=1,"), HasSubstr("expected key=value"));
  EXPECT_THAT(message("text:a=1,a=2"), HasSubstr("'a' is given twice"));
}

// ---- Sets

class BackendSetTest : public FolderTest {
 protected:
  Result<BackendSet> open(std::vector<std::string> specs) {
    return BackendSet::open(specs, options_);
  }
  std::string error(std::vector<std::string> specs) {
    const auto set = open(std::move(specs));
    return set.ok() ? "" : set.error().message;
  }
  [[nodiscard]] std::string output() const { return content(options_.output_path); }

  HostOptions options_{.output_path = path("out")};
  wc_call call_ = {.pid = 1, .tid = 1, .id = 1, .function = "puts"};
  wc_syscall syscall_ = {.pid = 1, .tid = 1, .call = 1, .function = "puts", .name = "write"};
  wc_return return_ = {.pid = 1, .tid = 1, .call = 1, .function = "puts"};
  wc_totals totals_ = {.pid = 1, .function = "puts", .calls = 1};
};

TEST_F(BackendSetTest, UnknownNamesGetTheNearestAndAll) {
  EXPECT_THAT(error({"jsn"}),
              AllOf(HasSubstr("unknown backend 'jsn'"), HasSubstr("did you mean 'json'?"),
                    HasSubstr("text, json, summary, folded, policy, ledger, sqlite, perfetto, "
                              "speedscope, html, otlp, lua, raw, none")));
  EXPECT_THAT(error({"sum"}), HasSubstr("did you mean 'summary'?"));
  EXPECT_THAT(error({"sqlite"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(error({"mine.so"}), HasSubstr("'./mine.so'"));
  EXPECT_THAT(error({"mine.lua"}), HasSubstr("'./mine.lua'"));
}

// What it wanted costs nothing any more; the others go on.
TEST_F(BackendSetTest, ABackendThatRetiresIsNotAskedForAgain) {
  const std::string script = path("retires.lua");
  std::ofstream(script)
      << "function call(e) write(e.caller.symbol) end function syscall_exit(e) end";
  if (error({"lua"}).find("no such backend") != std::string::npos) GTEST_SKIP() << "without lua";
  auto set = open({script + ":output=" + path("out"),
                   std::string(PATH_fixture_recorder) + ":output=" + path("rec")});
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_TRUE(set->wants(WC_WANT_CALLER));
  set->call(call_);
  EXPECT_FALSE(set->wants(WC_WANT_CALLER));
  set->call(call_);
  EXPECT_THAT(set->take_errors(), ElementsAre(HasSubstr("retires.lua:1: attempt to index a nil")));
  EXPECT_EQ(set->list().size(), 2U);
}

TEST_F(BackendSetTest, UnknownOptionsNameTheKnown) {
  EXPECT_EQ(
      error({"summary:sotr=time"}),
      "backend 'summary' has no option 'sotr' (did you mean 'sort'?); it knows by, top, sort, "
      "histogram, interval, format, output");
  EXPECT_THAT(error({"json:x=1"}), HasSubstr("it knows output"));
  EXPECT_THAT(error({"text:hold=x"}), HasSubstr("backend 'text': option 'hold' takes"));
}

TEST_F(BackendSetTest, SharedObjectsThatDoNotFitAreRefused) {
  EXPECT_THAT(error({"./does_not_exist.so"}), HasSubstr("cannot load backend './does_not_exist"));
  EXPECT_THAT(error({PATH_fixture_no_symbol}), HasSubstr("does not export wc_backend_v1()"));
  EXPECT_THAT(error({PATH_fixture_future_abi}),
              HasSubstr("is built for backend ABI 2, this tracer has 1"));
  EXPECT_THAT(error({PATH_fixture_no_table}), HasSubstr("8 bytes"));
  EXPECT_THAT(error({PATH_fixture_future_want}), HasSubstr("does not offer (wants 0x40000000)"));
  EXPECT_THAT(error({PATH_fixture_verdicts}), HasSubstr("which engine ptrace cannot do"));
}

TEST_F(BackendSetTest, AMistakeInTheLastSpecLeavesNoFile) {
  EXPECT_NE(error({"text:output=" + path("other"), "jsn"}), "");
  EXPECT_FALSE(std::filesystem::exists(path("other")));
  EXPECT_FALSE(std::filesystem::exists(options_.output_path));
}

TEST_F(BackendSetTest, WhenOneCannotStartTheOthersSayNothing) {
  EXPECT_EQ(error({"summary", std::string(PATH_fixture_recorder) + ":fail=out of luck"}),
            "backend '" + std::string(PATH_fixture_recorder) + "': out of luck");
  EXPECT_EQ(output(), "");
  EXPECT_THAT(error({"text:output=" + path("no/where")}),
              HasSubstr("backend 'text': cannot write " + path("no/where")));
}

TEST_F(BackendSetTest, EventsReachAUsersBackendInOrder) {
  auto set = open({std::string(PATH_fixture_recorder) + ":mark=> "});
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->demand().all, 0U);
  set->call(call_);
  EXPECT_EQ(set->syscall_enter(syscall_).kind, WC_GO_ON);
  set->syscall_exit(syscall_);
  set->process({});  // no callback
  set->totals(totals_);
  set->ret(return_);
  set->flush(1);
  set->close();
  EXPECT_EQ(output(), "> open -\n> call puts\n> syscall write\n> ret puts\n> close -\n")
      << "entries and totals were not asked for";
}

TEST_F(BackendSetTest, EntriesWithoutVerdictsNeverDecide) {
  auto set = open({PATH_fixture_enter});
  const BackendVerdict verdict = set->syscall_enter(syscall_);
  EXPECT_EQ(verdict.kind, WC_GO_ON);
  EXPECT_EQ(verdict.details.value, 0);
  set->close();
  EXPECT_THAT(output(), HasSubstr("enter write\n"));
}

TEST_F(BackendSetTest, VerdictsWhereTheEngineHonoursThem) {
  options_.engine_has_verdicts = true;
  auto set = open({PATH_fixture_enter, PATH_fixture_verdicts});
  ASSERT_TRUE(set.ok());
  const BackendVerdict verdict = set->syscall_enter(syscall_);
  EXPECT_EQ(verdict.kind, WC_FAIL);
  EXPECT_EQ(verdict.details.value, 13);
  EXPECT_EQ(verdict.backend, 1U);
}

// ---- Crashes

TEST_F(BackendSetTest, ACrashEndsOneBackendAndNotTheOthers) {
  const std::string crashes = PATH_fixture_crashes;
  const std::pair<const char*, const char*> kinds[] = {{"segv", "SIGSEGV"},
                                                       {"abort", "SIGABRT"},
                                                       {"fpe", "SIGFPE"},
                                                       {"ill", "SIGILL"},
                                                       {"stack", "SIGSEGV"}};
  for (const auto& [how, signal] : kinds) {
    auto set =
        open({crashes + ":in=syscall,how=" + how, std::string(PATH_fixture_recorder) + ":mark=> "});
    ASSERT_TRUE(set.ok()) << set.error().message;
    EXPECT_TRUE(set->wants(WC_WANT_ENTER));
    for (int i = 0; i < 2; i++) {
      set->call(call_);
      set->syscall_exit(syscall_);
    }
    EXPECT_FALSE(set->wants(WC_WANT_ENTER)) << "what a dead backend wants costs nothing any more";
    set->close();
    EXPECT_THAT(set->take_errors(),
                ElementsAre("backend " + crashes + " crashed in syscall_exit (" + signal + ")"));
    EXPECT_EQ(output(),
              "open -\n> open -\ncall puts\n> call puts\n> syscall write\n> call puts\n"
              "> syscall write\n> close -\n");
  }
}

TEST_F(BackendSetTest, CrashesInEveryCallback) {
  const std::pair<const char*, const char*> places[] = {
      {"call", "call"}, {"enter", "syscall_enter"}, {"syscall", "syscall_exit"},
      {"ret", "ret"},   {"totals", "totals"},       {"close", "close"}};
  for (const auto& [where, callback] : places) {
    auto set = open({std::string(PATH_fixture_crashes) + ":how=segv,in=" + where});
    ASSERT_TRUE(set.ok()) << set.error().message;
    set->call(call_);
    EXPECT_EQ(set->syscall_enter(syscall_).kind, WC_GO_ON);
    set->syscall_exit(syscall_);
    set->ret(return_);
    set->totals(totals_);
    set->close();
    EXPECT_THAT(set->take_errors(),
                ElementsAre(HasSubstr(std::string("crashed in ") + callback + " (SIGSEGV)")));
  }
}

TEST_F(BackendSetTest, OneThatCrashesInOpenIsRefused) {
  EXPECT_THAT(error({std::string(PATH_fixture_crashes) + ":how=abort,in=open"}),
              HasSubstr("crashed in open (SIGABRT)"));
}

TEST_F(BackendSetTest, AnExceptionThatNobodyCatches) {
  auto set = open({PATH_fixture_throws, PATH_fixture_recorder});
  ASSERT_TRUE(set.ok()) << set.error().message;
  set->call(call_);
  set->call(call_);
  EXPECT_THAT(set->take_errors(),
              ElementsAre(HasSubstr("crashed in call (uncaught exception: nobody catches this)")));
  set->close();
  EXPECT_EQ(output(), "open -\ncall puts\ncall puts\nclose -\n");
}

TEST_F(BackendSetTest, AnOlderTableLacksItsLastCallbacks) {
  auto set = open({PATH_fixture_older_table});
  ASSERT_TRUE(set.ok()) << set.error().message;
  set->call(call_);
  set->syscall_exit(syscall_);
  set->close();
  EXPECT_EQ(output(), "open -\ncall puts\n");
}

TEST_F(BackendSetTest, WantsAreTheirUnionAndWhatTheCommandLineAdds) {
  EXPECT_EQ(open({"none"})->demand().all, 0U);
  EXPECT_EQ(open({"text"})->demand().all, WC_WANT_TEXT | WC_WANT_CALLER);
  EXPECT_EQ(open({"text", "summary"})->demand().all, WC_WANT_TEXT | WC_WANT_CALLER |
                                                         WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME |
                                                         WC_WANT_COUNTS);
  options_.whole_process = true;
  EXPECT_TRUE(open({"summary"})->wants(WC_WANT_PHASES)) << "asked for in open()";
  options_.whole_process = false;
  EXPECT_TRUE(open({"summary:by=caller"})->wants(WC_WANT_CALLER));
  options_.all_calls = true;
  EXPECT_EQ(open({"text"})->demand().all, WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_ALL_CALLS);
  EXPECT_FALSE(open({"none"})->wants(WC_WANT_ALL_CALLS));
  EXPECT_FALSE(open({"summary"})->wants(WC_WANT_ALL_CALLS)) << "totals tell it";
  options_.all_calls = false;
  options_.show_duration = true;
  EXPECT_TRUE(open({"text"})->wants(WC_WANT_CALL_TIME));
  EXPECT_TRUE(open({"text"})->wants(WC_WANT_SYSCALL_TIME));
  EXPECT_EQ(open({"none"})->demand().all, 0U);
}

TEST_F(BackendSetTest, CallsWithoutSyscallsReachOnlyThoseThatWantThem) {
  auto set = open({std::string(PATH_fixture_recorder) + ":output=" + path("some"),
                   std::string(PATH_fixture_all_calls) + ":output=" + path("all")});
  ASSERT_TRUE(set.ok()) << set.error().message;
  set->call(call_, CallAudience::kWantsAllCalls);
  set->ret(return_, CallAudience::kWantsAllCalls);
  call_.function = return_.function = "fputs";
  set->call(call_, CallAudience::kWantsSyscallsOnly);
  set->ret(return_);
  set->close();
  EXPECT_EQ(content(path("some")), "open -\ncall fputs\nret fputs\nclose -\n");
  EXPECT_EQ(content(path("all")), "open -\ncall puts\nret puts\nret fputs\nclose -\n");
  EXPECT_EQ(output(), "");
}

TEST_F(BackendSetTest, TwoBackendsShareOneFileWithoutOverwriting) {
  const std::string recorder = PATH_fixture_recorder;
  ::chdir(folder_.path().c_str());
  auto set = open({recorder + ":mark=a ,output=out", recorder + ":mark=b ,output=./x",
                   recorder + ":mark=c ,output=" + path("x")});
  ASSERT_TRUE(set.ok()) << set.error().message;
  set->call(call_);
  set->close();
  EXPECT_EQ(output(), "a open -\na call puts\na close -\n");
  EXPECT_EQ(content(path("x")),
            "b open -\nc open -\nb call puts\nc call puts\nb close -\nc close -\n");
}

TEST_F(BackendSetTest, ReplaceLosesAndDoublesNothing) {
  const std::string recorder = PATH_fixture_recorder;
  const std::string all_calls = PATH_fixture_all_calls;
  auto set = open({recorder + ":mark=a "});
  set->call(call_);
  EXPECT_FALSE(set->replace(0, "jsn").ok());
  EXPECT_FALSE(set->replace(1, "text").ok());
  set->syscall_exit(syscall_);
  ASSERT_TRUE(set->replace(0, all_calls).ok());
  EXPECT_THAT(set->list(), ElementsAre(Pair(0U, all_calls)));
  EXPECT_TRUE(set->wants(WC_WANT_ALL_CALLS));
  set->ret(return_);
  set->close();
  EXPECT_EQ(output(),
            "a open -\na call puts\na syscall write\nopen -\na close -\nret puts\nclose -\n");
}

// Who cannot print what there is so far would add totals up that come again.
TEST_F(BackendSetTest, TotalsSoFarAreForSnapshotsOnly) {
  EXPECT_FALSE(open({PATH_fixture_recorder})->has_snapshots());
  auto set = open({"summary:output=" + path("sum")});
  EXPECT_TRUE(set->has_snapshots());
  wc_totals so_far = totals_;
  so_far.flags = WC_TOTALS_SO_FAR;
  set->totals(so_far);
  set->snapshot(1);
  EXPECT_THAT(content(path("sum")), HasSubstr("until now")) << "written at once";
}

TEST_F(BackendSetTest, AddAndRemove) {
  auto set = open({"none"});
  ASSERT_TRUE(set->add("summary:output=" + path("sum")).ok());
  EXPECT_TRUE(set->wants(WC_WANT_COUNTS));
  set->totals(totals_);
  EXPECT_EQ(set->list().back(), std::pair(1U, "summary:output=" + path("sum")));
  ASSERT_TRUE(set->remove(1).ok());
  EXPECT_THAT(content(path("sum")), HasSubstr("1 function (1 call)"))
      << "written when it was removed";
  EXPECT_EQ(set->demand().all, 0U);
  EXPECT_THAT(set->remove(1).error().message, HasSubstr("active are: 0 (none)"));
  auto next = set->add("none");
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, 2U) << "a number is given once";
}

TEST_F(BackendSetTest, WhatTheRunIsNotPreparedForIsRefused) {
  auto set = open({"none"});
  auto added = set->add("summary:output=" + path("sum"), WC_WANT_TEXT);
  ASSERT_FALSE(added.ok());
  EXPECT_THAT(added.error().message, HasSubstr("backend 'summary' wants what"));
  EXPECT_THAT(set->add("folded", WC_WANT_SYSCALL_TIME).error().message, HasSubstr("stacks (-k"));
  EXPECT_FALSE(std::filesystem::exists(path("sum")));
  EXPECT_EQ(set->list().size(), 1U);
}

// So that a change can name the first event that obeys it: each line of JSON is one.
TEST_F(BackendSetTest, EventsAreCountedOnceEach) {
  auto set = open({"none"});
  set->call(call_);
  set->call(call_, CallAudience::kWantsAllCalls);
  set->call(call_, CallAudience::kWantsSyscallsOnly);
  set->syscall_exit(syscall_);
  set->lost({.count = 5});
  EXPECT_EQ(set->counts().events, 4U);
  EXPECT_EQ(set->counts().lost, 5U);
}

TEST_F(BackendSetTest, ErrorsOfOutputsAreHandedOverOnce) {
  auto set = open({"json:output=/dev/full", "text"});
  set->lost({.count = 1});
  set->flush(1);
  EXPECT_THAT(set->take_errors(), ElementsAre(StartsWith("cannot write /dev/full: No space")));
  EXPECT_THAT(set->take_errors(), IsEmpty());
  EXPECT_EQ(output(), "+++ lost 1 events +++\n") << "the other one goes on";
  EXPECT_FALSE(set->all_readers_gone());
}

TEST_F(BackendSetTest, TheEarliestOfAllIsDueFirst) {
  auto set = open({"none"});
  EXPECT_EQ(set->wake_at(), 0U);
  ASSERT_TRUE(set->add("text:hold=300").ok());
  ASSERT_TRUE(set->add("text:hold=100").ok());
  call_.ts = 1'000'000'000;
  set->call(call_);
  EXPECT_EQ(set->wake_at(), 1'100'000'000U);
  set->flush(1'100'000'000);
  EXPECT_EQ(set->wake_at(), 1'300'000'000U);
  EXPECT_THAT(output(), HasSubstr("<unfinished ...>")) << "reached the file, too";
}

TEST_F(BackendSetTest, ColoursOnlyOnTerminalsUnlessTheyAreAskedFor) {
  call_.ts = 1;
  for (const bool is_asked : {false, true}) {
    if (is_asked) options_.colored = true;
    auto set = open({"text:hold=0"});
    set->call(call_);
    set->close();
    EXPECT_EQ(output().find('\33') != std::string::npos, is_asked);
  }
}

// ---- Observers, and what backends say

std::vector<std::string> heard;

template <uint32_t kWants>
const wc_backend& observer() {
  static constexpr wc_backend kObserver = {
      .wants = kWants,
      .call = [](void*, const wc_call* event) { heard.emplace_back(event->function); },
      .ret = [](void*, const wc_return*) { heard.emplace_back("ret"); },
      .lost = [](void*, const wc_lost* event) { heard.push_back(std::to_string(event->count)); },
  };
  return kObserver;
}

TEST_F(BackendSetTest, AnObserverHearsOfAllProcessesAndIsWanted) {
  heard.clear();
  options_.observers = {{&observer<WC_WANT_CALLER>(), nullptr}};
  options_.separately = true;
  auto set = open({"none"});
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->demand().all, uint32_t{WC_WANT_CALLER});
  EXPECT_TRUE(set->demand().has_audience);
  set->call(call_);
  call_.pid = 2, call_.function = "fputs";
  set->call(call_);
  set->lost({.pid = 2, .count = 3});
  set->close();
  EXPECT_THAT(heard, ElementsAre("puts", "fputs", "3"));
}

TEST_F(BackendSetTest, AnObserverHearsOfCallsWithoutSyscallsWhereItWantsThem) {
  heard.clear();
  options_.observers = {{&observer<WC_WANT_ALL_CALLS>(), nullptr}};
  auto all = open({"none"});
  all->call(call_, CallAudience::kWantsAllCalls);
  all->call(call_, CallAudience::kWantsSyscallsOnly);
  all->ret(return_);
  EXPECT_THAT(heard, ElementsAre("puts", "ret"));
  heard.clear();
  options_.observers = {{&observer<0>(), nullptr}};
  auto some = open({"none"});
  some->call(call_, CallAudience::kWantsAllCalls);
  some->ret(return_, CallAudience::kWantsAllCalls);
  EXPECT_THAT(heard, IsEmpty());
}

TEST_F(BackendSetTest, WhatABackendSaysReachesTheUser) {
  heard.clear();
  options_.say = [](const std::string& line) { heard.push_back(line); };
  auto set = open({"speedscope"});
  set->lost({.count = 7});
  set->close();
  EXPECT_THAT(heard, ElementsAre("backend speedscope: 7 events were lost"));
  EXPECT_THAT(set->take_errors(), IsEmpty());
}

TEST_F(BackendSetTest, AnErrorThatABackendSaysIsOneOfTheRun) {
  auto set = open({"sqlite:output=" + path("run.db")});
  if (!set.ok()) GTEST_SKIP() << set.error().message;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{256 * 1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string text(100'000, 'x');
  syscall_.args_text = text.c_str();
  for (int i = 0; i < 50; ++i) set->syscall_exit(syscall_);
  set->close();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(set->take_errors(),
              ElementsAre(StartsWith("backend sqlite: cannot write " + path("run.db"))));
}

TEST_F(BackendSetTest, SampleBackendCountsBytesPerFunction) {
  const std::string sample = PATH_sample_backend;
  EXPECT_THAT(error({sample + ":top=x"}), HasSubstr("option 'top' takes a number, not 'x'"));
  auto set = open({sample + ":top=2"});
  ASSERT_TRUE(set.ok()) << set.error().message;
  const auto send = [&](const char* function, const char* name, int64_t bytes) {
    syscall_.function = function;
    syscall_.name = name;
    syscall_.ret = bytes;
    set->syscall_exit(syscall_);
  };
  send("puts", "write", 5);
  send("puts", "write", 6);
  send("puts", "write", -1);
  send("puts", "lseek", 1000);
  send("fread", "read", 4096);
  send(nullptr, "read", 1);
  set->close();
  EXPECT_EQ(output(),
            "     written         read  function\n"
            "           0         4096  fread\n"
            "          11            0  puts\n");
}

}  // namespace
}  // namespace wc
