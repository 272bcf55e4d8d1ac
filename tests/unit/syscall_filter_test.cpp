// The -e language.
#include "decode/syscall_filter.h"

#include <gmock/gmock.h>

#include "decode/decoder.h"

namespace wc {
namespace {

using testing::HasSubstr;

SyscallSet parse(std::string_view list) {
  const Result<SyscallSet> set = parse_syscall_filter(list);
  EXPECT_TRUE(set.ok()) << list << ": " << (set.ok() ? "" : set.error().message);
  return set.ok() ? *set : SyscallSet{};
}

std::string error(std::string_view list) {
  const Result<SyscallSet> set = parse_syscall_filter(list);
  return set.ok() ? "no error" : set.error().message;
}

bool has(const SyscallSet& set, std::string_view name) {
  return set.test(static_cast<size_t>(syscall_number(name)));
}

TEST(SyscallFilter, NamesAndNumbers) {
  const SyscallSet set = parse("open, openat,0");
  EXPECT_EQ(set.count(), 3u);
  EXPECT_TRUE(has(set, "open") && has(set, "openat") && has(set, "read"));
  EXPECT_EQ(parse("trace=open"), parse("open"));
}

TEST(SyscallFilter, AllAndNone) {
  EXPECT_TRUE(parse("all").all());
  EXPECT_TRUE(parse("none").none());
  EXPECT_TRUE(parse("!none").all());
  EXPECT_TRUE(parse("!all").none());
}

TEST(SyscallFilter, ExclusionOfTheWholeList) {
  const SyscallSet set = parse("!futex,read");
  EXPECT_FALSE(has(set, "futex") || has(set, "read"));
  EXPECT_TRUE(has(set, "write"));
  EXPECT_EQ(set.count(), set.size() - 2);
}

TEST(SyscallFilter, Classes) {
  const SyscallSet file = parse("%file");
  EXPECT_TRUE(has(file, "openat") && has(file, "execve") && has(file, "stat"));
  EXPECT_FALSE(has(file, "read") || has(file, "fstat"));
  EXPECT_EQ(parse("%net"), parse("%network"));
  EXPECT_TRUE(has(parse("%desc"), "read") && has(parse("%process"), "clone3"));
  EXPECT_TRUE(has(parse("%memory"), "brk") && has(parse("%signal"), "kill"));
  EXPECT_TRUE(has(parse("%ipc"), "shmget") && has(parse("%creds"), "setuid"));
  EXPECT_TRUE(has(parse("%clock"), "clock_gettime") && has(parse("%pure"), "getpid"));
  EXPECT_EQ(parse("%stat").count(), 1u);
  EXPECT_GT(parse("%%stat").count(), 3u);
  EXPECT_EQ(parse("file"), parse("%file"));
}

TEST(SyscallFilter, RegularExpressions) {
  const SyscallSet set = parse("/^epoll_");
  EXPECT_TRUE(has(set, "epoll_wait") && has(set, "epoll_pwait2"));
  EXPECT_FALSE(has(set, "poll"));
  EXPECT_THAT(error("/("), HasSubstr("bad regular expression"));
  EXPECT_THAT(error("/zzzz"), HasSubstr("no syscall's name matches"));
  EXPECT_THAT(error("read,/zzzz"), HasSubstr("no syscall's name matches"));
}

TEST(SyscallFilter, ErrorsOfferTheNearestName) {
  EXPECT_EQ(error("opennat"), "unknown syscall 'opennat'; did you mean 'openat'?");
  EXPECT_EQ(error("raed"), "unknown syscall 'raed'; did you mean 'read'?");
  EXPECT_EQ(error("%flie"), "unknown class of syscalls '%flie'; did you mean '%file'?");
  EXPECT_THAT(error("%xyzzyq"), HasSubstr("classes are %file"));
  EXPECT_EQ(error("xyzzyxyzzyq"), "unknown syscall 'xyzzyxyzzyq'");
}

TEST(SyscallFilter, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error(""), HasSubstr("empty list"));
  EXPECT_THAT(error("!"), HasSubstr("empty list"));
  EXPECT_THAT(error("read,"), HasSubstr("empty name"));
  EXPECT_THAT(error("read,!write"), HasSubstr("in front of the whole list"));
  EXPECT_THAT(error("1024"), HasSubstr("number"));
  EXPECT_THAT(error("99999999999999999999"), HasSubstr("number"));
  EXPECT_THAT(error("3x"), HasSubstr("number"));
}

TEST(SyscallFilter, OptionalNames) { EXPECT_EQ(parse("?nonsense,read").count(), 1u); }

}  // namespace
}  // namespace wc
