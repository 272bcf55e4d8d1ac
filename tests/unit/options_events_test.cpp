// strace's words for which events are reported and how, and its spellings.
#include <gmock/gmock.h>

#include <csignal>

#include "config/tables.h"
#include "options_words.h"

namespace wc::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }

TEST(Signals, ListsAsInStrace) {
  EXPECT_EQ(good_words({"p"}).signals, ~uint64_t{0});
  EXPECT_EQ(good_words({"--signals", "none", "p"}).signals, 0u);
  EXPECT_EQ(good_words({"--signals=SIGINT,term,9", "p"}).signals,
            bit(SIGINT) | bit(SIGTERM) | bit(SIGKILL));
  EXPECT_EQ(good_words({"--signal=!chld", "p"}).signals, ~bit(SIGCHLD));
  EXPECT_EQ(good_words({"-e", "signal=!SIGIO,SIGURG", "p"}).signals, ~(bit(SIGIO) | bit(SIGURG)));
  EXPECT_EQ(good_words({"--signals=SIGRT_1", "p"}).signals, bit(33));
  EXPECT_THAT(bad_words({"--signals=SIGITN", "p"}),
              HasSubstr("unknown signal 'SIGITN'; did you mean SIGINT?"));
  EXPECT_THAT(bad_words({"--signals=65", "p"}), HasSubstr("numbers from 1 to 64"));
  EXPECT_THAT(bad_words({"--signals=,", "p"}), HasSubstr("the list is empty"));
}

TEST(Quiet, CountsAndNames) {
  EXPECT_EQ(good_words({"p"}).quiet, 0u);
  EXPECT_EQ(good_words({"-q", "p"}).quiet, kQuietAttach | kQuietExit);
  EXPECT_EQ(good_words({"--quiet", "p"}).quiet, kQuietAttach | kQuietExit);
  EXPECT_EQ(good_words({"-qq", "p"}).quiet, kQuietAttach | kQuietExit | kQuietSignals);
  EXPECT_EQ(good_words({"-qqq", "p"}).quiet, kQuietAttach | kQuietExit | kQuietSignals);
  EXPECT_EQ(good_words({"--quiet=attach,personality", "p"}).quiet, kQuietAttach);
  EXPECT_EQ(good_words({"-e", "quiet=exit", "p"}).quiet, kQuietExit);
  EXPECT_THAT(bad_words({"--quiet=exits", "p"}), HasSubstr("did you mean exit?"));
}

TEST(Status, LettersAndNames) {
  EXPECT_EQ(good_words({"p"}).statuses, kAllStatuses);
  EXPECT_EQ(good_words({"-z", "p"}).statuses, kSuccessful);
  EXPECT_EQ(good_words({"-Z", "p"}).statuses, kFailed);
  EXPECT_EQ(good_words({"--failed-only", "p"}).statuses, kFailed);
  EXPECT_EQ(good_words({"--status=failed,unfinished", "p"}).statuses, kFailed | kUnfinished);
  EXPECT_EQ(good_words({"-e", "status=!successful", "p"}).statuses, kFailed | kUnfinished);
  EXPECT_THAT(bad_words({"--status=faild", "p"}), HasSubstr("did you mean failed?"));
  EXPECT_THAT(bad_words({"--status=detached", "p"}), HasSubstr("not available"));
}

TEST(Descriptors, PathsAndAddresses) {
  EXPECT_FALSE(good_words({"-y", "p"}).show_addresses);
  const Options two = good_words({"-yy", "p"});
  EXPECT_TRUE(two.show_paths && two.show_addresses);
  EXPECT_TRUE(good_words({"--decode-fds=all", "p"}).show_addresses);
  EXPECT_FALSE(good_words({"--decode-fds=path", "p"}).show_addresses);
  EXPECT_THAT(bad_words({"-yyy", "p"}), HasSubstr("-y given more than twice"));
  EXPECT_THAT(bad_words({"--decode-fds=dev", "p"}), HasSubstr("not available"));
}

TEST(Times, LongNamesAsInStrace) {
  EXPECT_EQ(good_words({"--absolute-timestamps", "p"}).time_format, 1);
  EXPECT_EQ(good_words({"--absolute-timestamps=us", "p"}).time_format, 2);
  EXPECT_EQ(good_words({"--timestamps=format:time,precision:us", "p"}).time_format, 2);
  EXPECT_EQ(good_words({"--timestamps=unix,us", "p"}).time_format, 3);
  EXPECT_EQ(good_words({"-tt", "-r", "p"}).time_format, 2 + kRelativeTime);
  EXPECT_EQ(good_words({"--relative-timestamps=us", "p"}).time_format, kRelativeTime);
  EXPECT_TRUE(good_words({"--syscall-times", "p"}).show_duration);
  EXPECT_THAT(bad_words({"--timestamps=ns", "p"}), HasSubstr("not available"));
  EXPECT_THAT(bad_words({"--syscall-times=ns", "p"}), HasSubstr("microseconds"));
}

TEST(Pids, SeveralAndLists) {
  EXPECT_THAT(good_words({"-p", "12", "-p", "13,14 15"}).pids, ElementsAre(12, 13, 14, 15));
  EXPECT_THAT(good_words({"--attach=12", "-p12"}).pids, ElementsAre(12));
  EXPECT_THAT(bad_words({"-p", "12,x"}), HasSubstr("bad value 'x'"));
  EXPECT_THAT(bad_words({"-p", "1,0"}), HasSubstr("0 is no process"));
  EXPECT_THAT(bad_words({"-p", ","}), HasSubstr("the list is empty"));
}

TEST(Files, AppendAndOneForEachProcess) {
  const Options o = good_words({"-A", "-ff", "-o", "f", "p"});
  EXPECT_TRUE(o.append && o.separately);
  EXPECT_TRUE(good_words({"--output-separately", "--output-append-mode", "-of", "p"}).separately);
  EXPECT_TRUE(good_words({"-ttff", "-of", "p"}).separately);
}

TEST(Summary, BesideTheTrace) {
  EXPECT_THAT(good_words({"-C", "p"}).backends, ElementsAre("text", "summary"));
  EXPECT_THAT(good_words({"-C", "-b", "json", "p"}).backends, ElementsAre("summary", "json"));
  EXPECT_THAT(bad_words({"-c", "-C", "p"}), HasSubstr("exclude each other"));
}

TEST(Paths, AreCollected) {
  EXPECT_THAT(good_words({"-P", "/a", "--trace-path=/b*", "p"}).paths, ElementsAre("/a", "/b*"));
}

TEST(Synonyms, AreStracesLongNames) {
  EXPECT_EQ(good_words({"--string-limit=9", "p"}).string_size, 9u);
  EXPECT_EQ(good_words({"--trace=open", "p"}).syscalls, "open");
  EXPECT_EQ(good_words({"-e", "t=open", "p"}).syscalls, "trace=open");
  EXPECT_TRUE(good_words({"--stack-traces", "p"}).stack_trace);
  EXPECT_THAT(good_words({"--summary-only", "p"}).backends, ElementsAre("summary"));
  EXPECT_EQ(good_words({"--user=nobody", "p"}).user, "nobody");
  for (const Synonym& one : synonyms()) {
    EXPECT_NE(find_option(one.name), nullptr) << one.name;
    for (const OptionRow& row : option_rows()) EXPECT_NE(row.name, one.name);
  }
}

TEST(Foreign, LettersOfStraceAreExplained) {
  EXPECT_THAT(bad_words({"-E", "FOO=bar", "p"}), HasSubstr("env(1) sets a variable"));
  EXPECT_THAT(bad_words({"-a", "40", "p"}), HasSubstr("-b text:column=N"));
  EXPECT_THAT(bad_words({"-b", "execve", "p"}), HasSubstr("-b chooses the backend"));
  EXPECT_THAT(bad_words({"-fe", "open", "p"}), HasSubstr("--no-follow"));
  for (const char* option : {"-f",
                             "-S",
                             "-x",
                             "-xx",
                             "-X",
                             "-i",
                             "-n",
                             "-I",
                             "-D",
                             "-d",
                             "-U",
                             "-w",
                             "-O",
                             "-Y",
                             "-L",
                             "-l",
                             "--follow-forks",
                             "--env=A=b",
                             "--columns=9",
                             "--detach-on=execve",
                             "--no-abbrev"}) {
    const std::string message = bad_words({option, "p"});
    EXPECT_THAT(message, StartsWith("unknown option -"));
    EXPECT_EQ(message.find("--help lists"), message.npos) << message;
  }
}

}  // namespace
}  // namespace wc::config
