// What each part of the tracer is given, by what was asked for, wanted and found.
#include "launch/plan_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wc {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* name;
  std::vector<const char*> words;  // the command line
  uint32_t wants;
  wc_gate gate;
  const char* engine;  // how the reason begins; "!": it is an error
  uint32_t config;     // OR of enum wc_config
};

constexpr uint32_t kText = WC_WANT_TEXT | WC_WANT_CALLER;
constexpr uint32_t kInProcess = WC_CONFIG_IN_PROCESS;

const Row kRows[] = {
    {"default", {"p"}, kText, WC_GATE_DISPATCH, "engine ptrace: the default", 0},
    {"asked", {"-E", "ptrace", "p"}, kText, WC_GATE_DISPATCH, "engine ptrace: as asked", 0},
    {"auto", {"-E", "auto", "p"}, kText, WC_GATE_DISPATCH, "engine inproc", kInProcess},
    {"auto without dispatch",
     {"-E", "auto", "p"},
     kText,
     WC_GATE_TRAP,
     "engine ptrace: what is",
     0},
    {"auto with rules",
     {"-E", "auto", "--fault=read", "p"},
     kText,
     WC_GATE_DISPATCH,
     "engine inproc",
     kInProcess},
    {"auto with breakpoints",
     {"-E", "auto", "-B", "f", "-F", "read", "p"},
     kText,
     WC_GATE_DISPATCH,
     "engine ptrace: breakpoints",
     0},
    {"bpf, verdicts wanted",
     {"-E", "bpf", "p"},
     kText | WC_WANT_VERDICTS,
     WC_GATE_TRAP,
     "!engine bpf: ",
     0},
    {"bpf, stacks",
     {"-E", "bpf", "-k", "p"},
     kText | WC_WANT_STACK,
     WC_GATE_TRAP,
     "!engine bpf: ",
     0},
    {"inproc, entries wanted",
     {"-E", "inproc", "p"},
     kText | WC_WANT_ENTER,
     WC_GATE_DISPATCH,
     "!before they happen",
     0},
    {"inproc, dropping",
     {"-E", "inproc", "--overflow=drop", "p"},
     kText,
     WC_GATE_DISPATCH,
     "engine inproc",
     kInProcess | WC_CONFIG_DROP},
    {"inproc, stacks",
     {"-E", "inproc", "-k", "p"},
     kText | WC_WANT_STACK,
     WC_GATE_DISPATCH,
     "engine inproc",
     kInProcess | WC_CONFIG_STACKS},
    {"whole process",
     {"--scope=process", "p"},
     kText,
     WC_GATE_TRAP,
     "engine ptrace",
     WC_CONFIG_OPEN_GATE},
    {"counts",
     {"-c", "p"},
     WC_WANT_COUNTS,
     WC_GATE_DISPATCH,
     "engine ptrace",
     WC_CONFIG_COUNTS | WC_CONFIG_CALL_TIME},
    {"all calls",
     {"-a", "p"},
     kText | WC_WANT_ALL_CALLS,
     WC_GATE_DISPATCH,
     "engine ptrace",
     WC_CONFIG_ALL_CALLS},
    {"alone", {"--no-follow", "p"}, kText, WC_GATE_DISPATCH, "engine ptrace", WC_CONFIG_ALONE},
};

Result<RunPlan> plan_of(const Row& row, Options& options) {
  std::vector<const char*> words = {"run"};
  words.insert(words.end(), row.words.begin(), row.words.end());
  auto parsed = parse_options(words);
  if (!parsed) return parsed.error();
  options = *parsed;
  auto lists = parse_lists(options);
  if (!lists) return lists.error();
  return plan_run(options, *lists, {row.wants, 1}, {{row.gate, ""}, "/shim", "/socket", false});
}

TEST(PlanRun, ByTable) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    Options options;
    const auto plan = plan_of(row, options);
    if (row.engine[0] == '!') {
      ASSERT_FALSE(plan.ok());
      EXPECT_THAT(plan.error().message, HasSubstr(row.engine + 1));
      continue;
    }
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_THAT(plan->engine, ::testing::StartsWith(row.engine));
    EXPECT_EQ(plan->tracer.config, row.config);
    EXPECT_EQ(plan->tracer.gate, row.gate);
    EXPECT_EQ(plan->tables.gate, row.gate);
    EXPECT_EQ(plan->tables.in_process, (row.config & WC_CONFIG_IN_PROCESS) != 0);
    EXPECT_EQ(plan->tables.values_at_return, (row.wants & WC_WANT_TEXT) != 0);
    EXPECT_EQ(plan->tracer.shim_path, "/shim");
    EXPECT_EQ(plan->stacks.shim_path, "/shim");
  }
}

TEST(PlanRun, TheSameTwice) {
  for (const Row& row : kRows) {
    Options options;
    const auto first = plan_of(row, options), second = plan_of(row, options);
    ASSERT_EQ(first.ok(), second.ok()) << row.name;
    if (first.ok()) {
      EXPECT_EQ(first->tracer.config, second->tracer.config) << row.name;
    }
  }
}

TEST(PlanRun, AWrongListIsNamedBeforeAnythingIsOpened) {
  Options options;
  options.syscalls = "nosuch";
  EXPECT_THAT(parse_lists(options).error().message, HasSubstr("unknown syscall 'nosuch'"));
  options.syscalls.clear();
  options.functions = "@nosuch";
  EXPECT_THAT(parse_lists(options).error().message, HasSubstr("@nosuch"));
}

}  // namespace
}  // namespace wc
