// Points in time and intervals.
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <utime.h>

#include <cerrno>
#include <ctime>

#include "decode/args.h"

namespace wc {
namespace {

void append_timespec(std::string& out, const timespec& value) {
  append_time(out, value.tv_sec, value.tv_nsec, "tv_nsec");
}

void append_timeval(std::string& out, const timeval& value) {
  append_time(out, value.tv_sec, value.tv_usec, "tv_usec");
}

template <typename Interval, typename Append>
void append_interval(std::string& out, const Interval& value, Append append) {
  out += "{it_interval=";
  append(out, value.it_interval);
  out += ", it_value=";
  append(out, value.it_value);
  out += '}';
}

// utimensat: a time to set may also be "now" or "leave it".
void append_file_time(std::string& out, const timespec& value) {
  if (value.tv_nsec == UTIME_NOW) {
    out += "UTIME_NOW";
  } else if (value.tv_nsec == UTIME_OMIT) {
    out += "UTIME_OMIT";
  } else {
    append_timespec(out, value);
    append_date_comment(out, value.tv_sec, value.tv_nsec, 9);
  }
}

void append_file_timeval(std::string& out, const timeval& value) {
  append_timeval(out, value);
  append_date_comment(out, value.tv_sec, value.tv_usec, 6);
}

template <typename T, typename Append>
void append_pair(const Arg& arg, std::string& out, Append append) {
  T pair[2];
  if (!fetch_or_address(arg, pair, out)) return;
  out += '[';
  append(out, pair[0]);
  out += ", ";
  append(out, pair[1]);
  out += ']';
}

template <typename T, typename Append>
void append_struct(const Arg& arg, std::string& out, Append append) {
  T value;
  if (fetch_or_address(arg, value, out)) append(out, value);
}

void append_utimbuf(std::string& out, const utimbuf& value) {
  out += "{actime=";
  append_dec(out, value.actime);
  append_date_comment(out, value.actime, 0, 0);
  out += ", modtime=";
  append_dec(out, value.modtime);
  append_date_comment(out, value.modtime, 0, 0);
  out += '}';
}

void append_timezone(std::string& out, const struct timezone& value) {
  out += "{tz_minuteswest=";
  append_dec(out, value.tz_minuteswest);
  out += ", tz_dsttime=";
  append_dec(out, value.tz_dsttime);
  out += '}';
}

// What a signal makes of a sleep: errors that only a tracer sees.
constexpr int64_t kFirstRestart = 512, kLastRestart = 516;

// The rest of a sleep is written only when a signal ended it.
void append_remaining(const Arg& arg, std::string& out) {
  const auto result = static_cast<int64_t>(arg.ret);
  const bool interrupted =
      result == -EINTR || (result <= -kFirstRestart && result >= -kLastRestart);
  if (!arg.failed || !interrupted) return append_pointer(out, arg.word);
  append_struct<timespec>(arg, out, append_timespec);
}

}  // namespace

void decode_time(const Arg& arg, DecodedArg& to) {
  std::string& out = to.text;
  switch (arg.spec.kind) {
    case ArgKind::Timespec:
    case ArgKind::TimespecOut:
      return append_struct<timespec>(arg, out, append_timespec);
    case ArgKind::Timeval:
    case ArgKind::TimevalOut:
      return append_struct<timeval>(arg, out, append_timeval);
    case ArgKind::Timezone:
    case ArgKind::TimezoneOut:
      return append_struct<struct timezone>(arg, out, append_timezone);
    case ArgKind::TimespecPair:
      return append_pair<timespec>(arg, out, append_file_time);
    case ArgKind::TimevalPair:
      return append_pair<timeval>(arg, out, append_file_timeval);
    case ArgKind::TimespecRemain:
      return append_remaining(arg, out);
    case ArgKind::Utimbuf:
      return append_struct<utimbuf>(arg, out, append_utimbuf);
    case ArgKind::Itimerval:
    case ArgKind::ItimervalOut:
      return append_struct<itimerval>(arg, out, [](std::string& text, const itimerval& value) {
        append_interval(text, value, append_timeval);
      });
    case ArgKind::Itimerspec:
    case ArgKind::ItimerspecOut:
      return append_struct<itimerspec>(arg, out, [](std::string& text, const itimerspec& value) {
        append_interval(text, value, append_timespec);
      });
    default:
      return append_pointer(out, arg.word);
  }
}

}  // namespace wc
