// Calls through stubs: a program prints the same with a stub library in front as without. No tracer
// listens, so the shim runs everything native, through its whole trampoline.
#include <gmock/gmock.h>

#include "program/stub_writer.h"
#include "run_program.h"
#include "temporary_folder.h"

namespace wc {
namespace {

using testing::HasSubstr;

StubFunction plain(std::string name) { return {.name = name, .version = {}, .target = name}; }

StubFunction stack(const std::string& name, uint16_t words) {
  StubFunction f = plain(name);
  f.entry = StubEntry::Stack;
  f.stack_words = words;
  return f;
}

StubFunction variadic(const std::string& name, std::string sibling, uint8_t fixed) {
  StubFunction f = plain(name);
  f.entry = StubEntry::VaList;
  f.target = std::move(sibling);
  f.fixed_args = fixed;
  return f;
}

StubFunction exec_list(const std::string& name, std::string sibling) {
  StubFunction f = variadic(name, std::move(sibling), 1);
  f.entry = StubEntry::ExecList;
  return f;
}

StubFunction caller(const std::string& name) {
  StubFunction f = plain(name);
  f.entry = StubEntry::Caller;
  return f;
}

StubFunction version(const std::string& name, std::string of, bool is_default) {
  StubFunction f = plain(name);
  f.version = std::move(of);
  f.default_version = is_default;
  return f;
}

class StubCallsTest : public testing::Test {
 protected:
  Finished wrapped(const std::vector<StubFunction>& functions,
                   const std::vector<std::string>& arguments) {
    const std::string stubs =
        folder_.write("stubs.so", build_stub_library(functions, 1, folder_ / "no-socket"));
    return run_program(command(arguments), {"LD_PRELOAD=" + stubs + ":" + WC_SHIM});
  }
  // Runs it both ways; every function must have been called through its stub.
  void expect_same(const std::vector<StubFunction>& functions,
                   const std::vector<std::string>& arguments) {
    const Finished native = run_program(command(arguments));
    const Finished ours = wrapped(functions, arguments);
    EXPECT_NE(native.out, "");
    EXPECT_EQ(ours.out, native.out);
    EXPECT_EQ(ours.status, native.status);
    std::string used = ours.err.substr(std::min(ours.err.find("used:"), ours.err.size()));
    for (char& c : used)
      if (c == '\n') c = ' ';
    for (const StubFunction& f : functions) {
      std::string name = f.name + (f.version.empty() ? "" : "@" + f.version);
      EXPECT_THAT(used, HasSubstr(" " + name + " ")) << ours.err;
    }
  }

 private:
  static std::vector<std::string> command(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {STUB_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }

  TemporaryFolder folder_;
};

TEST_F(StubCallsTest, PlainFunctionsKeepArgumentsResultsAndErrno) {
  expect_same({plain("getenv"), plain("setenv"), plain("strlen"), plain("atoi"), plain("access"),
               plain("strtod"), plain("malloc")},
              {"plain"});
}

TEST_F(StubCallsTest, StackWordsAndWideResultsArrive) {
  expect_same({stack("words_12", 6), stack("words_7", 1), stack("doubles_9", 1),
               plain("wide_result"), plain("vector_result"), stack("x87_result", 2),
               stack("struct_result", 5), stack("syscall", 1)},
              {"words"});
}

TEST_F(StubCallsTest, MoreStackWordsThanThereAreDoNoHarm) {
  expect_same({stack("words_12", 24), stack("words_7", 24), stack("doubles_9", 23),
               stack("x87_result", 11), stack("wide_result", 24)},
              {"words"});
}

TEST_F(StubCallsTest, VariadicFunctionsGetAllKindsOfArguments) {
  expect_same({variadic("printf", "vprintf", 1), variadic("fprintf", "vfprintf", 2),
               variadic("snprintf", "vsnprintf", 3)},
              {"variadic"});
}

TEST_F(StubCallsTest, ScanningFunctionsWriteThroughTheirPointers) {
  const Finished native = run_program({STUB_PROGRAM, "variadic"});
  const Finished ours =
      wrapped({variadic("sscanf", "vsscanf", 2), variadic("__isoc99_sscanf", "__isoc99_vsscanf", 2),
               variadic("__isoc23_sscanf", "__isoc23_vsscanf", 2)},
              {"variadic"});
  EXPECT_EQ(ours.out, native.out);
  EXPECT_THAT(ours.err, HasSubstr("sscanf"));
}

TEST_F(StubCallsTest, ExecListsBecomeVectors) {
  expect_same({exec_list("execl", "execv")}, {"exec", "missing"});
  const std::vector<StubFunction> all = {exec_list("execl", "execv"), exec_list("execlp", "execvp"),
                                         exec_list("execle", "execve")};
  for (const auto& [how, expected] :
       {std::pair("short", "1|2|3|-\n"), std::pair("none", "argc 1\n"),
        std::pair("path", "1-2-3-4-5-6-7-"), std::pair("environment", "1|2|3|4|5|6|by execle\n")}) {
    const Finished ran = wrapped(all, {"exec", how});
    EXPECT_EQ(ran.out, expected) << how << ": " << ran.err;
    EXPECT_EQ(ran.status, 0) << how;
  }
}

TEST_F(StubCallsTest, CallerSensitiveFunctionsSeeTheProgramAsTheirCaller) {
  const Finished native = run_program({STUB_PROGRAM, "callers", STUB_PLUGIN});
  ASSERT_EQ(native.out, "next 2, own 1\nopened\n3\n1\n1\n") << "the program tests nothing";
  expect_same({caller("dlsym"), caller("dlopen"), plain("which_library")},
              {"callers", STUB_PLUGIN});
}

TEST_F(StubCallsTest, EachVersionBindsToItsOwnStub) {
  const Finished native = run_program({STUB_PROGRAM, "versions"});
  ASSERT_EQ(native.out, "101 201\nrefused 22 / /\n") << "the program tests nothing";
  expect_same({version("versioned", "STUB_1", false), version("versioned", "STUB_2", true),
               version("realpath", "GLIBC_2.2.5", false), version("realpath", "GLIBC_2.3", true)},
              {"versions"});
}

TEST_F(StubCallsTest, ExceptionsJumpsBacktracesAndCancellationPassThrough) {
  const Finished native = run_program({STUB_PROGRAM, "unwinding"});
  ASSERT_EQ(native.out,
            "unwound 1\ncaught: out of qsort\njumped with 5\nbacktrace is whole\n1 5\n"
            "unwound 7\ncanceled: 1\n");
  expect_same({plain("qsort"), plain("pthread_create"), plain("pthread_join")}, {"unwinding"});
  expect_same({stack("qsort", 3), plain("read")}, {"unwinding"});
}

TEST_F(StubCallsTest, UnwindTablesCoverStubsAndEntryPoints) {
  std::vector<StubFunction> functions;
  for (const char* name : {"qsort", "read", "write", "open", "close", "malloc", "free"})
    functions.push_back(plain(name));
  functions.push_back(stack("words_12", 6));
  functions.push_back(variadic("printf", "vprintf", 1));
  functions.push_back(exec_list("execl", "execv"));
  functions.push_back(caller("dlopen"));
  const Finished ran = wrapped(functions, {"unwind-tables"});
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.status, 0);
}

TEST_F(StubCallsTest, AFunctionThatNoLibraryHasEndsTheProgramAsLdSoWould) {
  StubFunction gone = plain("getenv");
  gone.target = "no_such_function_anywhere";
  const Finished ran = wrapped({gone}, {"plain"});
  EXPECT_EQ(ran.status, 127);
  EXPECT_THAT(ran.err, HasSubstr("undefined symbol: getenv"));
}

}  // namespace
}  // namespace wc
