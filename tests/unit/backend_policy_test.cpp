// Backend policy: what was seen, as rules that the tool reads back, and as a seccomp profile.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

wc_call call_of(uint64_t id, const char* function, const char* library,
                uint32_t kind = WC_FUNCTION_WRAPPED) {
  wc_call event = call_event(id, function, "");
  event.library = library;
  event.kind = kind;
  return event;
}

wc_call called_by(wc_call event, const char* object) {
  event.caller.object = object;
  return event;
}

wc_call inside(wc_call event, uint64_t parent) {
  event.parent = parent;
  event.depth = 1;
  return event;
}

class Policy {
 public:
  explicit Policy(TestHost::Options options = {}, wc_host settings = {})
      : host(policy_backend(), std::move(options), settings) {}

  void make(const wc_call& call, std::initializer_list<const char*> syscalls) {
    host.send(call);
    for (const char* name : syscalls) host.send(syscall_event(call.id, name, "", "0"));
    host.send(return_event(call.id, call.function, "0"));
  }
  std::string text() {
    host.close();
    return host.take();
  }
  std::vector<std::string> rules() {
    host.close();
    auto lines = host.take_lines();
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("deny"); });
    return lines;
  }

  TestHost host;
};

const TestHost::Options kByLibrary = {{"by", "library"}};
constexpr const char* kLibc = "libc.so.6";
const std::string kEverywhere = "deny = !close,exit,exit_group,openat,restart_syscall,rt_sigreturn";

TEST(Policy, ARuleForEachFunctionAndOneForTheRest) {
  Policy policy;
  policy.make(call_of(1, "fopen", kLibc), {"openat"});
  policy.make(call_of(2, "close", kLibc), {"close", "close"});
  EXPECT_THAT(policy.host.take(), IsEmpty()) << "all is known at the end only";
  EXPECT_THAT(policy.rules(), ElementsAre("deny = !close@close@libc.so.6",
                                          "deny = !openat@fopen@libc.so.6", kEverywhere));
}

TEST(Policy, AFunctionMayWhatNestedCallsMake) {
  Policy policy;
  policy.host.send(call_of(1, "getaddrinfo", kLibc));
  policy.make(inside(call_of(2, "fopen", kLibc), 1), {"openat"});
  policy.host.send(syscall_event(1, "close", "", "0"));
  policy.host.send(return_event(1, "getaddrinfo", "0"));
  EXPECT_THAT(policy.rules(),
              ElementsAre("deny = !openat@fopen@libc.so.6",
                          "deny = !close,openat@getaddrinfo@libc.so.6", kEverywhere));
}

TEST(Policy, FunctionsWithoutSyscallsShareARule) {
  Policy policy;
  for (const char* name : {"getenv", "strlen", "fopen"})
    policy.host.send(wc_totals{.pid = kPid, .function = name, .library = kLibc, .calls = 3});
  policy.make(call_of(1, "fopen", kLibc), {"openat", "close"});
  EXPECT_THAT(policy.rules(),
              ElementsAre("deny = !close,openat@fopen@libc.so.6",
                          "deny = !none@getenv@libc.so.6,strlen@libc.so.6", kEverywhere));
}

TEST(Policy, ByLibraryItIsWhoMadeTheOutermostCall) {
  Policy policy(kByLibrary);
  policy.host.send(called_by(call_of(1, "getaddrinfo", kLibc), "/usr/lib/libfoo.so.1"));
  policy.make(inside(called_by(call_of(2, "fopen", kLibc), "/lib/libc.so.6"), 1), {"openat"});
  policy.host.send(return_event(1, "getaddrinfo", "0"));
  policy.make(called_by(call_of(3, "close", kLibc), "/usr/bin/prog"), {"close"});
  policy.make(call_of(4, "close", kLibc), {"close"});  // from code of no file
  EXPECT_THAT(
      policy.rules(),
      ElementsAre("deny = !exit,exit_group,openat,restart_syscall,rt_sigreturn:from=@libfoo.so.1",
                  "deny = !close,exit,exit_group,restart_syscall,rt_sigreturn:from=@prog",
                  kEverywhere));
}

TEST(Policy, NamesThatTheGrammarCannotHoldBecomeGlobs) {
  Policy policy;
  policy.make(call_of(1, "count lines, \"a::b\"", "prog", WC_FUNCTION_SCOPE), {"openat"});
  policy.make(call_of(2, "parse", "prog", WC_FUNCTION_BREAKPOINT), {"openat"});
  policy.make(call_of(3, "Cache<int, char*>::load", "prog", WC_FUNCTION_BREAKPOINT), {"openat"});
  policy.make(call_of(4, "inner", "libfoo.so", WC_FUNCTION_BREAKPOINT), {"close"});
  policy.make(call_of(5, "f", "lib,x:y z.so"), {"openat"});
  const std::string text = policy.text();
  for (const char* rule : {"deny = !openat@scope:count?lines???a??b?\n", "deny = !openat@::parse\n",
                           "deny = !openat@Cache<int??char?>::load\n", "!openat@f@lib?x?y?z.so\n"})
    EXPECT_THAT(text, HasSubstr(rule));
  EXPECT_THAT(text, HasSubstr("# Without a rule of their own: inner in libfoo.so\n"));
}

TEST(Policy, ALibraryIsNotTakenForOneWithALongerName) {
  Policy policy(kByLibrary);
  policy.make(called_by(call_of(1, "close", kLibc), "/a/libx.so"), {"close"});
  policy.make(called_by(call_of(2, "open", kLibc), "/a/libx.so.1"), {"openat"});
  EXPECT_THAT(policy.text(),
              testing::AllOf(HasSubstr(":from=@libx.s[o]\n"), HasSubstr(":from=@libx.so.1\n")));
}

TEST(Policy, WhatARuleHasAnsweredWasNotMade) {
  Policy policy;
  policy.host.send(call_of(1, "connect", kLibc));
  wc_syscall denied = syscall_event(1, "connect", "", "-1 EPERM");
  denied.flags = WC_SYSCALL_INJECTED;
  policy.host.send(denied);
  EXPECT_THAT(policy.text(), Not(HasSubstr("!connect")));
}

TEST(Policy, WholeProcesses) {
  Policy policy;
  policy.make(call_of(1, "fopen", kLibc), {"openat"});
  policy.host.send(syscall_event(0, "mmap", "", "0"));
  wc_syscall old = syscall_event(0, "socketcall", "", "0");
  old.nr = 0x20000000 + 102;
  policy.host.send(old);
  const std::string text = policy.text();
  EXPECT_THAT(text, HasSubstr("[options]\nscope = process\n"));
  EXPECT_THAT(text, HasSubstr("deny = !openat,rt_sigreturn@fopen@libc.so.6\n"));
  EXPECT_THAT(text, HasSubstr("!exit,exit_group,mmap,openat,restart_syscall,rt_sigreturn\n"));
  EXPECT_THAT(text, HasSubstr("# Not covered, made by the 32-bit entry: socketcall\n"));
}

TEST(Policy, SaysWhatItDoesNotCover) {
  Policy policy;
  policy.host.send(wc_lost{.count = 5});
  const std::string text = policy.text();
  EXPECT_THAT(text, HasSubstr("# Not covered: system calls outside of the selected functions"));
  EXPECT_THAT(text, HasSubstr("# 5 events were lost"));
  EXPECT_THAT(text, HasSubstr("no sandbox"));
}

TEST(Policy, SleepsAndWaitsContinueAfterAStop) {
  Policy policy;
  policy.make(call_of(1, "sleep", kLibc), {"clock_nanosleep"});
  EXPECT_THAT(policy.text(), HasSubstr("deny = !clock_nanosleep,restart_syscall@sleep@"));
}

// Whether a lock is free is chance; pthread_join aborts where it may not wait.
TEST(Policy, ThreadsMayWaitForEachOther) {
  Policy policy;
  policy.make(call_of(1, "puts", kLibc), {"write"});
  wc_process event = process_event(WC_PROCESS_FORK);
  event.thread = 1;
  policy.host.send(event);
  EXPECT_THAT(policy.text(), HasSubstr("deny = !futex,restart_syscall,write@puts@libc.so.6\n"));
}

TEST(Policy, ALateEventOfAProcessAddsNothingToItsFile) {
  Policy policy({}, {.one_process = 1});
  policy.host.send(process_event(WC_PROCESS_EXIT));
  EXPECT_THAT(policy.text(), IsEmpty());
}

TEST(Policy, SelectionAndProgramsAreWritten) {
  Policy policy({}, {.version = "1.2", .functions = "@net,\n!close", .breakpoints = "a\"#;b"});
  for (const char* path : {"/usr/bin/git", "/tmp/x\n[options]", "/bin/cat"}) {
    wc_process event = process_event(WC_PROCESS_EXEC);
    event.path = path;
    policy.host.send(event);
  }
  const std::string text = policy.text();
  EXPECT_THAT(text, HasSubstr("by wc-intercept 1.2.\n# Programs: cat, git, x\\n[options]\n"));
  EXPECT_THAT(text, HasSubstr("[functions]\nwrap = @net, !close\n"));
  EXPECT_THAT(text, HasSubstr("[breakpoint]\nfunction = 'a\"#;b'\n"));
}

TEST(Policy, OrderOfEventsDoesNotMatter) {
  Policy forth, back;
  for (int i = 0; i < 26; i++) {
    const std::string one(1, static_cast<char>('a' + i)), other(1, static_cast<char>('z' - i));
    forth.make(call_of(1, one.c_str(), kLibc), {"openat", "close"});
    back.make(call_of(1, other.c_str(), kLibc), {"close", "openat"});
  }
  EXPECT_EQ(forth.text(), back.text());
}

TEST(Policy, UnknownOptionValuesAreRefused) {
  const auto error = [](TestHost::Options options) {
    return TestHost(policy_backend(), std::move(options)).error();
  };
  EXPECT_EQ(error({{"by", "foo"}}), "option 'by' takes function or library");
  EXPECT_EQ(error({{"format", "xml"}}), "option 'format' takes ini or seccomp");
  EXPECT_THAT(error({{"format", "seccomp"}, {"by", "function"}}), HasSubstr("leave out"));
  EXPECT_EQ(error({{"format", "seccomp"}, {"by", "library"}}), "");
}

TEST(PolicySeccomp, OneProfileWithAnEntryForEachSetOfObjects) {
  Policy policy(TestHost::Options{{"format", "seccomp"}});
  policy.make(called_by(call_of(1, "open", kLibc), "/usr/bin/prog"), {"openat", "close"});
  policy.make(called_by(call_of(2, "open", kLibc), "/lib/lib\"x\".so"), {"openat"});
  policy.host.send(syscall_event(0, "mmap", "", "0"));
  const auto profile = nlohmann::json::parse(policy.text());
  EXPECT_EQ(profile["defaultAction"], "SCMP_ACT_ERRNO");
  EXPECT_EQ(profile["defaultErrnoRet"], 1);
  EXPECT_THAT(profile["architectures"], ElementsAre("SCMP_ARCH_X86_64"));
  std::map<std::string, std::vector<std::string>> entries;
  std::vector<std::string> names;
  for (const auto& entry : profile["syscalls"]) {
    EXPECT_EQ(entry["action"], "SCMP_ACT_ALLOW");
    auto& listed = entries[entry["comment"]] = entry["names"];
    names.insert(names.end(), listed.begin(), listed.end());
  }
  EXPECT_THAT(entries["prog"], ElementsAre("close"));
  EXPECT_THAT(entries["lib\"x\".so, prog"], ElementsAre("openat"));
  EXPECT_THAT(entries["(outside of calls)"], ElementsAre("mmap"));
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names, Contains("execve")) << "the program is started behind the filter";
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace wc::backends
