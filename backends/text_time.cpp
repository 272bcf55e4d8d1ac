#include "text_time.h"

#include <fmt/format.h>
#include <time.h>

#include "append.h"

namespace wc::backends {

namespace {

constexpr int64_t kNanosecond = 1'000'000'000;
constexpr int64_t kMicrosecond = 1'000;
enum Format : uint32_t { kNone = 0, kSeconds = 1, kMicroseconds = 2, kEpoch = 3 };
constexpr uint32_t kRelative = 4;  // added to one of them

}  // namespace

TimeStamps::TimeStamps(const wc_host& host)
    : format_(host.time_format & ~kRelative), is_relative_((host.time_format & kRelative) != 0) {
  if (format_ != kNone) tzset();  // localtime_r need not look at TZ by itself
  if (host.run != nullptr) wall_offset_ = host.run->realtime_offset;
}

void TimeStamps::append(std::string& out, uint64_t ts) {
  if (format_ != kNone) append_clock(out, ts);
  if (is_relative_) append_relative(out, ts);
}

void TimeStamps::append_clock(std::string& out, uint64_t ts) {
  const int64_t wall = static_cast<int64_t>(ts) + wall_offset_;
  const time_t second = wall / kNanosecond;
  const int64_t micros = wall % kNanosecond / kMicrosecond;
  if (format_ == kEpoch) {
    append_format(out, "{}.{:06} ", second, micros);
    return;
  }
  if (second != cached_second_) {
    tm local = {};
    localtime_r(&second, &local);
    strftime(cached_clock_, sizeof cached_clock_, "%H:%M:%S", &local);
    cached_second_ = second;
  }
  out += cached_clock_;
  if (format_ == kMicroseconds) append_format(out, ".{:06}", micros);
  out += ' ';
}

void TimeStamps::append_relative(std::string& out, uint64_t ts) {
  uint64_t since = 0;
  if (latest_ != 0 && ts > latest_) since = ts - latest_;
  if (ts > latest_) latest_ = ts;
  // Behind the time of day it stands in brackets.
  const bool is_second = format_ != kNone;
  append_format(out, "{}{:6}.{:06}{} ", is_second ? "(+" : "", since / kNanosecond,
                since % kNanosecond / kMicrosecond, is_second ? ")" : "");
}

}  // namespace wc::backends
