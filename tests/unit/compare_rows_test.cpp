// Command lines of our own rows and of the peers'.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare/own.h"
#include "compare/peers.h"

namespace wc::compare {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

const std::vector<std::string> kProgram{"prog", "-x", "two words"};

std::vector<std::string> names(const std::vector<Entry>& entries) {
  std::vector<std::string> result;
  for (const Entry& entry : entries) result.push_back(entry.variant.name);
  return result;
}

const Entry& named(const std::vector<Entry>& entries, const std::string& name) {
  for (const Entry& entry : entries) {
    if (entry.variant.name == name) return entry;
  }
  ADD_FAILURE() << "no row " << name;
  return entries.front();
}

Request request_for(std::vector<const char*> words) {
  words.insert(words.begin(), {"run", "--compare"});
  Request request;
  request.options = *parse_options(words);
  request.launcher = {"/x/wc-preload"};
  request.gates = {"dispatch", "trap", "socket"};
  request.in_process = true;
  return request;
}

TEST(OwnRows, EveryEngineAndGateThatWorks) {
  EXPECT_THAT(names(own_entries(request_for({"p"}), "/f")),
              ElementsAre("scoped: ptrace, gate dispatch", "scoped: ptrace, gate trap",
                          "scoped: ptrace, gate socket", "scoped: inproc", "--scope=process",
                          "--scope=process -F @default"));
  Request old_kernel = request_for({"p"});
  old_kernel.gates = {"trap", "socket"};
  old_kernel.in_process = false;
  EXPECT_THAT(
      names(own_entries(old_kernel, "/f")),
      AllOf(Not(Contains("scoped: inproc")), Not(Contains("scoped: ptrace, gate dispatch"))));
}

TEST(OwnRows, OnlyWhatWasAskedFor) {
  EXPECT_THAT(names(own_entries(request_for({"-E", "inproc", "p"}), "/f")),
              ElementsAre("scoped: inproc", "--scope=process", "--scope=process -F @default"));
  EXPECT_THAT(
      names(own_entries(request_for({"-g", "trap", "-F", "read", "p"}), "/f")),
      ElementsAre("scoped: ptrace, gate trap", "--scope=process", "--scope=process -F LIST"));
}

TEST(OwnRows, WhatCannotBeIsSkippedWithTheReason) {
  Request request = request_for({"-B", "f", "p"});
  request.inproc_obstacle = "no breakpoints";
  request.cannot_wrap = "static";
  request.wraps = false;
  const auto entries = own_entries(request, "/f");
  EXPECT_EQ(named(entries, "scoped: inproc").variant.skipped, "no breakpoints");
  EXPECT_EQ(named(entries, "scoped: ptrace, gate trap").variant.skipped, "");
  EXPECT_EQ(named(entries, "--scope=process -F @default").variant.skipped, "static");
}

TEST(OwnRows, UsersOptionsTravel) {
  const auto entries = own_entries(
      request_for({"-F", "@net", "-e", "read", "-b", "json", "--", "prog", "-x"}), "/f");
  EXPECT_THAT(named(entries, "scoped: ptrace, gate trap").variant.command,
              ElementsAre("/x/wc-preload", "--scope=functions", "--engine=ptrace", "--gate=trap",
                          "--functions=@net", "--syscalls=read", "--backend=json",
                          "--output=/f/trace", "--", "prog", "-x"));
  EXPECT_THAT(named(entries, "--scope=process").variant.command,
              AllOf(Contains("--syscalls=read"), Not(Contains(HasSubstr("--functions")))));
  EXPECT_THAT(named(entries, "--scope=process -F LIST").variant.command,
              Contains("--functions=@net"));
}

TEST(OwnRows, TheFirstRunIsCounted) {
  const Entry entry = own_entries(request_for({"-b", "none", "p"}), "/f").front();
  EXPECT_THAT(entry.first_command,
              IsSupersetOf({"--backend=none", "--backend=json:output=/f/count"}));
  EXPECT_THAT(entry.variant.command, Not(Contains(HasSubstr("json"))));
}

TEST(OwnRows, WhatCannotBeWrappedIsTracedAllTheSame) {
  Request request = request_for({"p"});
  request.cannot_wrap = "p is statically linked";
  const auto entries = own_entries(request, "/f");
  EXPECT_EQ(named(entries, "scoped: inproc").variant.skipped, "p is statically linked");
  EXPECT_EQ(named(entries, "--scope=process").variant.skipped, "");
  EXPECT_EQ(named(entries, "--scope=process -F @default").variant.skipped,
            "p is statically linked");
}

// ---- peers

Surroundings everything() {
  Surroundings here;
  here.is_installed = [](const std::string&) { return true; };
  here.is_root = true;
  here.libc = "/lib/libc.so.6";
  here.names_in_libc = [](const std::string& name) {
    return name == "read" ? std::set<std::string>{"read", "__read_chk"} : std::set{name};
  };
  return here;
}

const SameEvents kSame{{"openat", "read"}, {"fopen", "read"}};

TEST(Peers, AllThatAreInstalled) {
  EXPECT_THAT(names(peer_entries(kProgram, kSame, everything(), "/f")),
              ElementsAre("strace -f", "strace -f --seccomp-bpf, same calls", "strace -f -k",
                          "ltrace -f -S", "perf trace", "bpftrace: uprobes, raw_syscalls"));
  Surroundings bare = everything();
  bare.is_installed = [](const std::string& name) { return name == "ltrace"; };
  EXPECT_THAT(names(peer_entries(kProgram, kSame, bare, "/f")), ElementsAre("ltrace -f -S"));
}

TEST(Peers, CommandLines) {
  const auto entries = peer_entries(kProgram, kSame, everything(), "/f");
  const auto command = [&](const char* name) { return named(entries, name).variant.command; };
  EXPECT_THAT(command("strace -f"),
              ElementsAre("strace", "-f", "-o", "/f/trace", "--", "prog", "-x", "two words"));
  EXPECT_THAT(command("strace -f --seccomp-bpf, same calls"),
              ElementsAre("strace", "-f", "--seccomp-bpf", "-e", "trace=openat,read", "-o",
                          "/f/trace", "--", "prog", "-x", "two words"));
  EXPECT_THAT(command("strace -f -k"), IsSupersetOf({"-f", "-k"}));
  EXPECT_THAT(command("ltrace -f -S"), IsSupersetOf({"ltrace", "-f", "-S"}));
  EXPECT_THAT(command("perf trace"),
              ElementsAre("perf", "trace", "-o", "/f/trace", "--", "prog", "-x", "two words"));
}

TEST(Peers, BpftraceProbesTheSameFunctions) {
  const auto entries = peer_entries(kProgram, kSame, everything(), "/f");
  const Entry& entry = named(entries, "bpftrace: uprobes, raw_syscalls");
  const std::vector<std::string>& command = entry.variant.command;
  EXPECT_THAT(command, IsSupersetOf({"bpftrace", "-c", "/bin/sh /f/script"}));
  EXPECT_THAT(command.back(),
              AllOf(HasSubstr("uprobe:/lib/libc.so.6:fopen"), HasSubstr("__read_chk"),
                    HasSubstr("uretprobe:/lib/libc.so.6:read"), HasSubstr("raw_syscalls:sys_enter"),
                    HasSubstr("sched_process_fork")));
}

TEST(Peers, WhatCannotRunSaysWhy) {
  Surroundings user = everything();
  user.is_root = false;
  const auto entries = peer_entries(kProgram, {}, user, "/f");
  EXPECT_EQ(named(entries, "bpftrace: uprobes, raw_syscalls").variant.skipped, "needs root");
  EXPECT_THAT(named(entries, "strace -f --seccomp-bpf, same calls").variant.skipped,
              HasSubstr("no system call"));
  EXPECT_THAT(named(entries, "strace -f").variant.skipped, IsEmpty());
}

TEST(Peers, OnlyThoseThatHideTheProgramsStatusMayEndWithZero) {
  for (const Entry& entry : peer_entries(kProgram, kSame, everything(), "/f")) {
    const bool strace = entry.variant.command[0] == "strace";
    EXPECT_EQ(entry.variant.exit_status,
              strace ? measure::ExitStatus::OfProgram : measure::ExitStatus::OfTool);
  }
}

TEST(Peers, FortifiedFormsAreTheSameFunction) {
  const Surroundings here = this_machine();
  EXPECT_THAT(here.libc, HasSubstr("libc"));
  EXPECT_THAT(here.names_in_libc("printf"), ElementsAre("__printf_chk", "printf"));
  EXPECT_THAT(here.names_in_libc("no_such_function"), IsEmpty());
}

TEST(Peers, ScriptQuotesEverything) {
  EXPECT_EQ(script_text({"a", "it's", "$x; `y`"}), "exec 'a' 'it'\\''s' '$x; `y`'\n");
}

}  // namespace
}  // namespace wc::compare
