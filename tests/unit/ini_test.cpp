// The INI file: what is read, where errors point, and how it meets the command line.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "config/options.h"
#include "config/settings.h"
#include "config/tables.h"
#include "options_words.h"

namespace wc::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> values(std::string_view text) {
  const auto settings = parse_ini(text, "t.ini");
  if (!settings) return {settings.error().message};
  std::vector<std::string> found;
  for (const Setting& setting : *settings) found.push_back(setting.value);
  return found;
}

std::string failure(std::string_view text) {
  const auto settings = parse_ini(text, "t.ini");
  return settings ? "(accepted)" : settings.error().message;
}

TEST(Ini, ReadsEverySection) {
  const auto settings = parse_ini(
      "engine=ptrace\n[functions]\nwrap=a b\n[syscalls]\ntrace=%file\n[backend]\nuse=json:a=b\n"
      "use=text\n[LD_PRELOAD]\nLD_PRELOAD=/x.so\n[breakpoint]\nfunction=hello1 hello2 hello3\n"
      "[sampling]\nevery=10\nevery.printf=100\n[policy]\ninject=open:error=EIO\n"
      "inject=close:error=EIO\n[options]\noutput=o\n",
      "t.ini");
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  std::vector<Key> keys;
  std::vector<std::string> wheres;
  for (const Setting& setting : *settings) {
    keys.push_back(setting.key);
    wheres.push_back(setting.where);
  }
  EXPECT_THAT(keys, ElementsAre(Key::Engine, Key::Functions, Key::Syscalls, Key::Backend,
                                Key::Backend, Key::Preload, Key::Breakpoints, Key::Every,
                                Key::Every, Key::Inject, Key::Inject, Key::Output));
  EXPECT_THAT(wheres, ElementsAre("t.ini:1: engine", "t.ini:3: [functions] wrap",
                                  "t.ini:5: [syscalls] trace", "t.ini:7: [backend] use",
                                  "t.ini:8: [backend] use", "t.ini:10: [LD_PRELOAD] LD_PRELOAD",
                                  "t.ini:12: [breakpoint] function", "t.ini:14: [sampling] every",
                                  "t.ini:15: [sampling] every.printf", "t.ini:17: [policy] inject",
                                  "t.ini:18: [policy] inject", "t.ini:20: output"));
  EXPECT_EQ((*settings)[6].value, "hello1 hello2 hello3");
  EXPECT_EQ((*settings)[3].value, "json:a=b");
}

TEST(Ini, CommentsBeginALineOrFollowABlank) {
  EXPECT_THAT(
      values("# a\n; b\n  # c\n[functions] # d\nwrap=x y # e\n[options] ; f\noutput=g ; h\n"),
      ElementsAre("x y", "g"));
  EXPECT_THAT(values("output=a#b;c\n"), ElementsAre("a#b;c"));
  EXPECT_THAT(failure("wrap # = \"x\"\n"), StartsWith("t.ini:1: expected KEY=VALUE"));
}

TEST(Ini, QuotesKeepBlanksAndCommentSigns) {
  EXPECT_THAT(values("output=\" a # b ; c \" # d\n"), ElementsAre(" a # b ; c "));
  EXPECT_THAT(values("output= 'a \"b\"'\n"), ElementsAre("a \"b\""));
  EXPECT_THAT(values("output=it's # a\n"), ElementsAre("it's"));
  EXPECT_EQ(failure("\noutput=\"a\n"), "t.ini:2: a quote is opened and not closed");
  EXPECT_EQ(failure("output=\"a\" b\n"), "t.ini:1: text after the closing quote");
}

TEST(Ini, BlanksAroundNamesAndValuesDoNotCount) {
  EXPECT_THAT(values("\t[ functions ]  \n \twrap \t=  x  y \t\n"), ElementsAre("x  y"));
}

TEST(Ini, LineEndsOfOtherSystemsAndNoneAtTheEnd) {
  EXPECT_THAT(values("[functions]\r\nwrap=a\r\n\r\n[syscalls]\r\ntrace=b"), ElementsAre("a", "b"));
  EXPECT_THAT(values("\xef\xbb\xbf[functions]\nwrap=a"), ElementsAre("a"));
  EXPECT_THAT(values(""), IsEmpty());
  EXPECT_THAT(values("\n\n[functions]"), IsEmpty());
}

TEST(Ini, LongLinesAreRead) {
  const std::string list(500000, 'x');
  EXPECT_THAT(values("[functions]\nwrap=" + list + "\n"), ElementsAre(list));
  EXPECT_LT(failure(list).size(), 200u);
  EXPECT_LT(failure(list + "=1").size(), 300u);
  EXPECT_LT(failure("[" + list + "]").size(), 300u);
}

TEST(Ini, ControlBytesAreRefused) {
  EXPECT_EQ(failure(std::string_view("engine=auto\nga\0te=auto\n", 23)),
            "t.ini:2: byte 0x00 in an INI file, which is plain text");
  EXPECT_THAT(failure("output=a\x01"
                      "b\n"),
              StartsWith("t.ini:1: byte 0x01"));
  EXPECT_THAT(failure("engine=auto\rgate=auto\r"), StartsWith("t.ini:1: byte 0x0d"));
}

TEST(Ini, UnknownKeyNamesTheNearestOrItsSection) {
  EXPECT_EQ(failure("engin=auto\n"), "t.ini:1: unknown key 'engin'; did you mean engine?");
  EXPECT_EQ(failure("\n[functions]\nwarp=a\n"),
            "t.ini:3: unknown key 'warp' in [functions]; did you mean wrap?");
  EXPECT_EQ(failure("[backend]\nxxxxxx=a\n"),
            "t.ini:2: unknown key 'xxxxxx' in [backend]; valid: use");
  EXPECT_EQ(failure("wrap=a\n"), "t.ini:1: unknown key 'wrap'; it belongs in [functions]");
  EXPECT_EQ(failure("[syscalls]\nwrap=a\n"),
            "t.ini:2: unknown key 'wrap' in [syscalls]; it belongs in [functions]");
  EXPECT_THAT(failure("[sampling]\nevery.=1\n"), StartsWith("t.ini:2: unknown key 'every.'"));
  EXPECT_THAT(failure("functions.wrap=a\n"), StartsWith("t.ini:1: unknown key 'functions.wrap'"));
}

TEST(Ini, UnknownSectionNamesTheNearest) {
  EXPECT_EQ(failure("[function]\n"),
            "t.ini:1: unknown section [function]; did you mean [functions]?");
  EXPECT_EQ(failure("[ld_preload]\n"),
            "t.ini:1: unknown section [ld_preload]; did you mean [LD_PRELOAD]?");
  EXPECT_THAT(failure("[]\n"), HasSubstr("unknown section []; valid: [options], [functions], "));
  EXPECT_THAT(failure("[functions\n"), HasSubstr("expected a section such as [functions]"));
  EXPECT_THAT(failure("[functions] x=1\n"), HasSubstr("expected a section"));
}

TEST(Ini, LinesThatAreNeitherAreRefused) {
  EXPECT_EQ(failure("engine=auto\njunk\n"),
            "t.ini:2: expected KEY=VALUE or [SECTION], found 'junk'");
  EXPECT_EQ(failure("=x\n"), "t.ini:1: no key before '=x'");
  EXPECT_EQ(failure("engine=\n"), "t.ini:1: engine: the value is empty");
  EXPECT_EQ(failure("[functions]\nwrap=\"\"\n"), "t.ini:2: [functions] wrap: the value is empty");
  EXPECT_EQ(failure("engine= # auto\n"), "t.ini:1: engine: the value is empty");
}

TEST(Ini, OnlyBackendsAndRulesMayBeRepeated) {
  EXPECT_EQ(failure("engine=auto\n[options]\nengine=auto\n"),
            "t.ini:3: engine is given twice, first in line 1");
  EXPECT_EQ(failure("[functions]\nwrap=a\n\nwrap=b\n"),
            "t.ini:4: [functions] wrap is given twice, first in line 2");
  EXPECT_THAT(values("[sampling]\nevery.a=1\nevery.b=2\n"), ElementsAre("1@a", "2@b"));
  EXPECT_THAT(failure("[sampling]\nevery.a=1\nevery.a=2\n"), HasSubstr("given twice"));
}

// A quarter of a million keys: what is quadratic in them would not end within the test's limit.
TEST(Ini, ManyKeysAreReadInTime) {
  std::string text = "[sampling]\n";
  for (int i = 0; text.size() < kMaxIniSize; ++i) text += "every." + std::to_string(i) + "=1\n";
  EXPECT_GT(values(text).size(), 60000u);
}

class IniFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "wc-ini-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    path_ = dir_ / "t.ini";
  }
  void TearDown() override { fs::remove_all(dir_); }

  static void write(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  Result<Options> parse(std::string_view ini, std::vector<const char*> words = {}) {
    write(path_, ini);
    const std::string config = path_.string();
    words.insert(words.begin(), {"run", "--config", config.c_str()});
    words.push_back("prog");
    return parse_options(words);
  }

  Options good(std::string_view ini, std::vector<const char*> words = {}) {
    Result<Options> options = parse(ini, std::move(words));
    if (options) return *options;
    ADD_FAILURE() << options.error().message;
    return Options{};
  }

  std::string bad(std::string_view ini, std::vector<const char*> words = {}) {
    const Result<Options> options = parse(ini, std::move(words));
    if (options) return "(accepted)";
    EXPECT_EQ(options.error().message.find('\n'), std::string::npos);
    return options.error().message;
  }

  [[nodiscard]] std::string at(int line) const {
    return path_.string() + ":" + std::to_string(line) + ": ";
  }

  fs::path dir_;
  fs::path path_;
};

TEST_F(IniFile, EveryKeyReachesItsField) {
  const Options o = good(
      "engine=ptrace\ngate=dispatch\nscope=functions\noutput=\"a "
      "b\"\nstring-size=7\nall-calls=yes\n"
      "follow=off\nverbose=2\n[functions]\nwrap=@net !close\n[syscalls]\ntrace=trace=%net\n"
      "[backend]\nuse=json\nuse=./my.so:k=v\n");
  EXPECT_EQ(o.engine, EngineChoice::Ptrace);
  EXPECT_EQ(o.gate, GateChoice::Dispatch);
  EXPECT_EQ(o.output, "a b");
  EXPECT_EQ(o.string_size, 7u);
  EXPECT_TRUE(o.all_calls);
  EXPECT_FALSE(o.follow);
  EXPECT_EQ(o.verbose, 2);
  EXPECT_EQ(o.functions, "@net !close");
  EXPECT_TRUE(o.functions_given);
  EXPECT_EQ(o.syscalls, "trace=%net");
  EXPECT_THAT(o.backends, ElementsAre("json", "./my.so:k=v"));
  EXPECT_THAT(o.program, ElementsAre("prog"));
}

TEST_F(IniFile, TheCommandLineWins) {
  const std::string ini =
      "engine=auto\noutput=a\nstring-size=7\nverbose=2\nfollow=yes\n[functions]\nwrap=a\n"
      "[syscalls]\ntrace=b\n[backend]\nuse=json\n";
  const Options o =
      good(ini, {"-Eptrace", "-ob", "-s8", "-v", "--no-follow", "-Fc", "-Fd", "-ee", "-b", "none"});
  EXPECT_EQ(o.engine, EngineChoice::Ptrace);
  EXPECT_EQ(o.output, "b");
  EXPECT_EQ(o.string_size, 8u);
  EXPECT_EQ(o.verbose, 1);
  EXPECT_FALSE(o.follow);
  EXPECT_EQ(o.functions, "c,d");
  EXPECT_EQ(o.syscalls, "e");
  EXPECT_THAT(o.backends, ElementsAre("none"));
  EXPECT_THAT(good(ini, {"-c"}).backends, ElementsAre("summary"));
  EXPECT_EQ(good(ini, {"-a"}).functions, "a");
}

TEST_F(IniFile, AnOverriddenValueMustBeRightButNeedNotBeAvailable) {
  EXPECT_EQ(good("engine=bpf\n", {"-Eptrace"}).engine, EngineChoice::Ptrace);
  EXPECT_THAT(bad("engine=bfp\n", {"-Eptrace"}), StartsWith(at(1) + "engine: unknown value 'bfp'"));
}

TEST_F(IniFile, BadValuesNameFileAndLine) {
  EXPECT_EQ(bad("\nengine=ptrce\n"), at(2) + "engine: unknown value 'ptrce'; did you mean ptrace?");
  EXPECT_EQ(bad("all-calls=maybe\n"),
            at(1) + "all-calls: unknown value 'maybe'; valid: yes, no, true, false, on, off, 1, 0");
  EXPECT_EQ(bad("string-size=many\n"),
            at(1) + "string-size: bad value 'many'; valid: a number from 0 to 1048576");
  EXPECT_THAT(bad("verbose=10\n"), HasSubstr("verbose: bad value '10'"));
  EXPECT_EQ(bad("[functions]\nwrap=\"  \"\n"), at(2) + "[functions] wrap: the list is empty");
}

TEST_F(IniFile, BreakpointsAsTheSeedHasThem) {
  EXPECT_EQ(good("[breakpoint]\nfunction=hello1 hello2 hello3\n").breakpoints,
            "hello1 hello2 hello3");
  EXPECT_EQ(bad("[breakpoint]\nfunction=\"  \"\n"),
            at(2) + "[breakpoint] function: the list is empty");
}

TEST_F(IniFile, EngineBpf) { EXPECT_EQ(good("engine=bpf\n").engine, EngineChoice::Bpf); }

TEST_F(IniFile, FilesThatCannotBeRead) {
  const auto error = [](const std::string& path) {
    const std::vector<const char*> words = {"run", "--config", path.c_str(), "prog"};
    const auto options = parse_options(words);
    return options ? "(accepted)" : options.error().message;
  };
  EXPECT_EQ(error("/no/such.ini"),
            "cannot read configuration file '/no/such.ini': No such file or directory");
  EXPECT_EQ(error(dir_.string()),
            "cannot read configuration file '" + dir_.string() + "': Is a directory");
  EXPECT_THAT(error("/dev/zero"), HasSubstr("'/dev/zero' is larger than 1024 KiB"));
  EXPECT_THAT(bad(std::string(kMaxIniSize + 1, '\n')), HasSubstr("is larger than 1024 KiB"));
  EXPECT_THAT(good(std::string(kMaxIniSize, '\n')).program, ElementsAre("prog"));
}

TEST_F(IniFile, UnreadableFile) {
  write(path_, "engine=auto\n");
  fs::permissions(path_, fs::perms::none);
  fs::permissions(dir_, fs::perms(0755));
  // Root reads every file, so the test is somebody else for a moment.
  const uid_t before = ::geteuid();
  if (before == 0 && ::seteuid(65534) != 0) GTEST_SKIP() << "cannot become another user";
  const std::string config = path_.string();
  const std::vector<const char*> words = {"run", "--config", config.c_str(), "prog"};
  const auto options = parse_options(words);
  ASSERT_EQ(::seteuid(before), 0);
  ASSERT_FALSE(options.ok());
  EXPECT_EQ(options.error().message,
            "cannot read configuration file '" + config + "': Permission denied");
  EXPECT_EQ(options.error().code, EACCES);
}

TEST_F(IniFile, OnlyOneFileIsRead) {
  EXPECT_EQ(bad("", {"--config", "/other"}), "option --config given twice; only one file is read");
}

class Preload : public IniFile {
 protected:
  std::string library(const std::string& name) {
    write(dir_ / name,
          "\x7f"
          "ELF and so on");
    return (dir_ / name).string();
  }
};

TEST_F(Preload, BlanksAndColonsSeparateLibraries) {
  const std::string a = library("a.so");
  const std::string b = library("b.so");
  const std::string c = library("c.so");
  EXPECT_THAT(good("[LD_PRELOAD]\nLD_PRELOAD=" + a + ":" + b + "  " + c + "\n").user_preloads,
              ElementsAre(a, b, c));
}

TEST_F(Preload, RelativePathsStartAtTheCurrentDirectory) {
  const std::string a = library("a.so");
  const fs::path before = fs::current_path();
  fs::current_path(dir_);
  EXPECT_THAT(
      good("[LD_PRELOAD]\nLD_PRELOAD=./a.so a.so ../" + dir_.filename().string() + "/a.so\n")
          .user_preloads,
      ElementsAre(a, a, a));
  // ld.so knows no quoting, so an absolute path with a blank in it could not be passed on.
  fs::create_directory("b c");
  fs::copy_file("a.so", "b c/a.so");
  fs::current_path("b c");
  EXPECT_THAT(good("[LD_PRELOAD]\nLD_PRELOAD=a.so\n").user_preloads, ElementsAre("./a.so"));
  fs::current_path(before);
}

TEST_F(Preload, WhatLdSoWouldNotLoadIsRefusedWithFileAndLine) {
  const std::string where = at(2) + "[LD_PRELOAD] LD_PRELOAD: ";
  EXPECT_EQ(bad("[LD_PRELOAD]\nLD_PRELOAD=/no/such.so\n"),
            where + "'/no/such.so': No such file or directory");
  EXPECT_EQ(bad("[LD_PRELOAD]\nLD_PRELOAD=/no such.so\n"),
            where + "'/no': No such file or directory; blanks and colons separate libraries");
  EXPECT_EQ(bad("[LD_PRELOAD]\nLD_PRELOAD=/tmp\n"), where + "'/tmp': Is a directory");
  EXPECT_EQ(bad("[LD_PRELOAD]\nLD_PRELOAD=/dev/null\n"), where + "'/dev/null': not a regular file");
  EXPECT_EQ(bad("[LD_PRELOAD]\nLD_PRELOAD=\" : \"\n"), where + "names no library");
  const std::string text = (dir_ / "text.so").string();
  write(text, "no");
  EXPECT_THAT(bad("[LD_PRELOAD]\nLD_PRELOAD=" + text + "\n"), HasSubstr("no ELF header"));
  const std::string fifo = (dir_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(bad("[LD_PRELOAD]\nLD_PRELOAD=" + fifo + "\n"), HasSubstr("not a regular file"));
}

TEST(IniExamples, AreAccepted) {
  int examples = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(WC_CONFIG_EXAMPLES)) {
    if (file.path().extension() != ".ini") continue;
    const std::string path = file.path().string();
    const std::vector<const char*> words = {"run", "--config", path.c_str(), "prog"};
    const auto options = parse_options(words);
    EXPECT_TRUE(options.ok()) << options.error().message;
    EXPECT_TRUE(options.ok() && options->functions_given) << path;
    ++examples;
  }
  EXPECT_GE(examples, 3);
}

TEST(IniExamples, HelloHasEveryKeyAndChangesNothing) {
  const std::string path = std::string(WC_CONFIG_EXAMPLES) + "/hello.ini";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  for (const IniRow& row : ini_rows()) {
    std::string name(row.name);
    if (name.ends_with('*')) name.replace(name.size() - 1, 1, "printf");
    const std::string line = row.fallback.empty()
                                 ? "\n# " + name + " = " + std::string(row.example) + "\n"
                                 : "\n" + name + " = " + std::string(row.fallback) + "\n";
    EXPECT_THAT(text.str(), HasSubstr(line));
  }
  Options read = good_words({"--config", path, "prog"});
  EXPECT_THAT(read.warnings, IsEmpty());
  Options none = good_words({"prog"});
  none.engine = EngineChoice::Ptrace;  // as asked for
  none.functions_given = true;
  none.syscalls = "all";
  EXPECT_EQ(fingerprint(read), fingerprint(none));
}

// Every key's example is accepted, or refused because this version does not have it.
TEST_F(IniFile, ExamplesOfTheReference) {
  for (const IniRow& row : ini_rows()) {
    if (row.key == Key::Preload || row.key == Key::Control || row.key == Key::Pid) continue;
    std::string name(row.name);
    if (name.ends_with('*')) name.replace(name.size() - 1, 1, "printf");
    const std::string text =
        "[" + std::string(row.section) + "]\n" + name + " = " + std::string(row.example) + "\n";
    if (refusal(row.key)) {
      EXPECT_THAT(bad(text), HasSubstr("not available in this version")) << text;
    } else {
      good(text);
    }
  }
}

TEST(IniKeys, EveryOptionThatSaysHowHasOne) {
  // What a command does, rather than how, and what is the same as another key.
  const std::set<Key> without = {
      Key::Successful,   Key::Failed,        Key::Summary,       Key::SummaryToo,
      Key::NoFollow,     Key::Compare,       Key::CompareOutput, Key::CompareLoad,
      Key::CompareReady, Key::CompareFigure, Key::CompareLimit,  Key::Connect,
      Key::Config,       Key::Help,          Key::Version,       Key::ListFunctions,
      Key::ListSyscalls, Key::ListClasses,   Key::Explore,       Key::Replay,
      Key::Sysroot,      Key::Diff,          Key::Threshold};
  for (const OptionRow& row : option_rows()) {
    const bool has_key = std::any_of(ini_rows().begin(), ini_rows().end(),
                                     [&](const IniRow& ini) { return ini.key == row.key; });
    if (without.contains(row.key) || (refusal(row.key) && !has_key)) continue;
    EXPECT_TRUE(has_key) << spelling(row);
  }
}

TEST_F(IniFile, WhatHasNoEffectIsWarnedAboutWithFileAndLine) {
  const Options o = good("string-size = 9\noverflow = drop\ngate = auto\n", {"-c"});
  EXPECT_THAT(o.warnings,
              ElementsAre(StartsWith(at(1) + "string-size has no effect without"),
                          StartsWith(at(2) + "overflow has no effect without -E inproc")));
  EXPECT_THAT(good("string-size = 9\n", {"-c", "-s", "10"}).warnings,
              ElementsAre(HasSubstr("option -s/--string-size")));
}

}  // namespace
}  // namespace wc::config
