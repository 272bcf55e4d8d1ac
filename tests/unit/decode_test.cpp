// Text: quoting, numbers, flags, names of errors and signals, siginfo, results.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>

#include "decode/decoder.h"
#include "decode/flag_tables.h"
#include "decode/text.h"
#include "decode_fake_memory.h"

namespace wc {
namespace {

std::string flags(FlagTable table, uint64_t value) {
  std::string out;
  append_flags(out, table, value);
  return out;
}

std::string enumerated(FlagTable table, uint64_t value) {
  std::string out;
  append_enum(out, table, value);
  return out;
}

template <typename Append, typename... Args>
std::string text_of(Append append, Args... args) {
  std::string out;
  append(out, args...);
  return out;
}

TEST(Quote, EscapesAsStrace) {
  EXPECT_EQ(quote("a\n\x1b[0m", 32), R"("a\n\33[0m")");
  EXPECT_EQ(quote("\"\\\t\r\v\f", 32), R"("\"\\\t\r\v\f")");
  EXPECT_EQ(quote(std::string_view("\0\1\177\200\377", 5), 32), R"("\0\1\177\200\377")");
}

// "\33" followed by the digit 7 would be read as \337.
TEST(Quote, PadsAnEscapeBeforeAnOctalDigit) {
  EXPECT_EQ(quote("\x1b"
                  "7",
                  32),
            R"("\0337")");
  EXPECT_EQ(quote("\x1b"
                  "8",
                  32),
            R"("\338")");
  EXPECT_EQ(quote(std::string_view("\0"
                                   "0",
                                   2),
                  32),
            R"("\0000")");
}

TEST(Quote, ShortensAtTheLimit) {
  EXPECT_EQ(quote("abcd", 4), "\"abcd\"");
  EXPECT_EQ(quote("abcde", 4), "\"abcd\"...");
  EXPECT_EQ(quote("abcd", 4, true), "\"abcd\"...");
  EXPECT_EQ(quote("", 0), "\"\"");
  // What is not shown does not lengthen the escape before it.
  EXPECT_EQ(quote("\1"
                  "9",
                  1),
            "\"\\1\"...");
}

TEST(Numbers, ZeroHasNoPrefix) {
  EXPECT_EQ(text_of(append_hex, 0u), "0");
  EXPECT_EQ(text_of(append_hex, UINT64_MAX), "0xffffffffffffffff");
  EXPECT_EQ(text_of(append_pointer, 0u), "NULL");
  EXPECT_EQ(text_of(append_dec, INT64_MIN), "-9223372036854775808");
}

TEST(Numbers, ModesHaveAtLeastThreeDigits) {
  EXPECT_EQ(text_of(append_octal, 0u), "000");
  EXPECT_EQ(text_of(append_octal, 04u), "004");
  EXPECT_EQ(text_of(append_octal, 022u), "022");
  EXPECT_EQ(text_of(append_octal, 0644u), "0644");
  EXPECT_EQ(text_of(append_octal, 04755u), "04755");
}

TEST(Flags, NamesRemainderAndUnknown) {
  EXPECT_EQ(flags(FlagTable::OpenFlags, 0), "O_RDONLY");
  EXPECT_EQ(flags(FlagTable::OpenFlags, 02000101), "O_WRONLY|O_CREAT|O_CLOEXEC");
  EXPECT_EQ(flags(FlagTable::OpenFlags, 3), "O_ACCMODE");
  EXPECT_EQ(flags(FlagTable::OpenFlags, 0x80000000), "O_RDONLY|0x80000000");
  EXPECT_EQ(flags(FlagTable::MmapProt, 0), "PROT_NONE");
  EXPECT_EQ(flags(FlagTable::MmapProt, 0x100), "0x100 /* PROT_??? */");
  EXPECT_EQ(flags(FlagTable::MsgFlags, 0), "0");
  EXPECT_EQ(flags(FlagTable::MmapFlags, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
  EXPECT_EQ(flags(FlagTable::None, 0x12), "0x12");
}

// O_SYNC contains O_DSYNC: the larger name comes first and takes both bits.
TEST(Flags, CompositesComeBeforeTheirParts) {
  EXPECT_EQ(flags(FlagTable::OpenFlags, 04010000), "O_RDONLY|O_SYNC");
  EXPECT_EQ(flags(FlagTable::OpenFlags, 010000), "O_RDONLY|O_DSYNC");
  EXPECT_EQ(flags(FlagTable::OpenFlags, 020200000), "O_RDONLY|O_TMPFILE");
  EXPECT_EQ(flags(FlagTable::OpenFlags, 0200000), "O_RDONLY|O_DIRECTORY");
}

TEST(Flags, IntArgumentsIgnoreTheUpperHalfOfTheRegister) {
  EXPECT_EQ(flags(FlagTable::MsgFlags, 0xdead00000040), "MSG_DONTWAIT");
  EXPECT_EQ(enumerated(FlagTable::Whence, 0xdead00000002), "SEEK_END");
  EXPECT_EQ(enumerated(FlagTable::RusageWho, 0xffffffff), "RUSAGE_CHILDREN");
}

// CLONE_CLEAR_SIGHAND lives in the upper half: no flags at all are not it.
TEST(Flags, ConstantsOfMoreThanThirtyTwoBits) {
  EXPECT_EQ(flags(FlagTable::CloneFlags, 0), "0");
  EXPECT_EQ(flags(FlagTable::CloneFlags, 0x100000000), "CLONE_CLEAR_SIGHAND");
}

TEST(Flags, EveryTableNamesWhatItCannotNameLikeStrace) {
  EXPECT_EQ(enumerated(FlagTable::Whence, 9), "0x9 /* SEEK_??? */");
  EXPECT_EQ(enumerated(FlagTable::SockoptLevel, 77), "0x4d /* SOL_?? */");
}

// Two rows of a table with one value: the second can never be printed.
TEST(Flags, NoRowIsShadowed) {
  for (size_t t = 1; t < static_cast<size_t>(FlagTable::Count); t++) {
    const auto rows = flag_table(static_cast<FlagTable>(t)).rows;
    for (size_t i = 0; i < rows.size(); i++) {
      for (size_t j = 0; j < i; j++) {
        EXPECT_NE(rows[i].value, rows[j].value)
            << "table " << t << ": " << rows[j].name << " and " << rows[i].name;
        EXPECT_NE(rows[i].name, rows[j].name) << "table " << t;
      }
    }
  }
}

TEST(Names, Errors) {
  EXPECT_EQ(errno_name(2), "ENOENT");
  EXPECT_EQ(errno_text(2), "No such file or directory");
  EXPECT_EQ(errno_name(95), "EOPNOTSUPP");
  EXPECT_EQ(errno_name(512), "ERESTARTSYS");
  EXPECT_EQ(errno_name(0), "");
  EXPECT_EQ(errno_name(9999), "");
  EXPECT_EQ(errno_name(-1), "");
}

TEST(Names, Signals) {
  EXPECT_EQ(signal_name(2), "SIGINT");
  EXPECT_EQ(signal_name(29), "SIGIO");
  EXPECT_EQ(signal_name(31), "SIGSYS");
  EXPECT_EQ(signal_name(32), "SIGRTMIN");
  EXPECT_EQ(signal_name(35), "SIGRT_3");
  EXPECT_EQ(signal_name(64), "SIGRT_32");
  EXPECT_EQ(signal_name(65), "65");
  EXPECT_EQ(signal_name(0), "0");
  EXPECT_EQ(signal_name(-7), "-7");
}

siginfo_t blank_siginfo(int signal, int code) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = code;
  return info;
}

TEST(Siginfo, FieldsDependOnSignalAndSender) {
  siginfo_t info = blank_siginfo(SIGINT, SI_USER);
  info.si_pid = 1;
  EXPECT_EQ(siginfo_text(&info), "{si_signo=SIGINT, si_code=SI_USER, si_pid=1, si_uid=0}");

  info = blank_siginfo(SIGSEGV, SEGV_MAPERR);
  info.si_addr = reinterpret_cast<void*>(0x40);
  EXPECT_EQ(siginfo_text(&info), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x40}");

  info = blank_siginfo(SIGCHLD, CLD_KILLED);
  info.si_pid = 9;
  info.si_status = SIGKILL;
  EXPECT_EQ(siginfo_text(&info),
            "{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=9, si_uid=0, si_status=SIGKILL, "
            "si_utime=0, si_stime=0}");

  info = blank_siginfo(SIGUSR1, SI_QUEUE);
  info.si_pid = 9;
  info.si_value.sival_int = 7;
  EXPECT_EQ(siginfo_text(&info),
            "{si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=9, si_uid=0, si_int=7, si_ptr=0x7}");
}

TEST(Results, KernelErrors) {
  FakeMemory memory;
  const Call call(memory);
  const ArgSpec result{ArgKind::LongResult, 0};
  const auto decoded = [&](int64_t ret) {
    return decode_syscall_result(call.context(), result, static_cast<uint64_t>(ret));
  };
  EXPECT_EQ(decoded(-2), "-1 ENOENT (No such file or directory)");
  EXPECT_EQ(decoded(-512), "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
  EXPECT_EQ(decoded(-516), "? ERESTART_RESTARTBLOCK (Interrupted by signal)");
  EXPECT_EQ(decoded(-4000), "-1 (errno 4000)");
  EXPECT_EQ(decoded(-4096), "-4096");
  EXPECT_EQ(decoded(5), "5");
}

TEST(Results, ByKind) {
  FakeMemory memory;
  const Call call(memory);
  const auto decoded = [&](ArgKind kind, uint64_t ret) {
    return decode_syscall_result(call.context(), {kind, 0}, ret);
  };
  EXPECT_EQ(decoded(ArgKind::HexResult, 0x7f00), "0x7f00");
  EXPECT_EQ(decoded(ArgKind::ModeResult, 022), "022");
  EXPECT_EQ(decoded(ArgKind::NoReturn, 0), "?");
  EXPECT_EQ(decoded(ArgKind::FdResult, 3), "3");
}

TEST(Results, LibraryCallsFailByTheirOwnRules) {
  FakeMemory memory;
  const uint64_t text = memory.put_string("value");
  const Call call(memory);
  const auto decoded = [&](ArgKind kind, uint64_t ret, int error) {
    return decode_call_result(call.context(), {kind, 0}, ret, error);
  };
  EXPECT_EQ(decoded(ArgKind::PointerResult, 0, 2), "NULL ENOENT (No such file or directory)");
  EXPECT_EQ(decoded(ArgKind::PointerResult, 0, 0), "NULL");
  EXPECT_EQ(decoded(ArgKind::PointerResult, 0x55d0c0, 0), "0x55d0c0");
  EXPECT_EQ(decoded(ArgKind::IntResult, 0xffffffff, 9), "-1 EBADF (Bad file descriptor)");
  EXPECT_EQ(decoded(ArgKind::IntResult, 0xdeadbeef00000005, 9), "5");
  EXPECT_EQ(decoded(ArgKind::Int, 0xffffffff, 9), "-1");
  EXPECT_EQ(decoded(ArgKind::StringResult, text, 0), "\"value\"");
  EXPECT_EQ(decoded(ArgKind::ErrnoResult, 11, 0), "EAGAIN (Resource temporarily unavailable)");
  EXPECT_EQ(decoded(ArgKind::ErrnoResult, 0, 5), "0");
  EXPECT_EQ(decoded(ArgKind::Void, 77, 0), "");
}

}  // namespace
}  // namespace wc
