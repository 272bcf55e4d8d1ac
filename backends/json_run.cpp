#include "json_run.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "escape.h"

namespace wc::backends {

namespace {

constexpr int64_t kNanosecond = 1'000'000'000;

int64_t now(clockid_t clock) {
  timespec at = {};
  clock_gettime(clock, &at);
  return at.tv_sec * kNanosecond + at.tv_nsec;
}

// "2026-11-28T11:33:31.123456789Z"
std::string rfc3339(int64_t nanoseconds) {
  const time_t second = nanoseconds / kNanosecond;
  tm utc = {};
  gmtime_r(&second, &utc);
  char text[32] = "";
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:09}Z", text, nanoseconds % kNanosecond);
}

}  // namespace

RunFacts run_facts() {
  const int64_t wall = now(CLOCK_REALTIME);
  RunFacts facts{.time = rfc3339(wall), .realtime_offset = wall - now(CLOCK_MONOTONIC)};
  utsname machine = {};
  if (uname(&machine) == 0) facts.host = machine.nodename, facts.kernel = machine.release;
  return facts;
}

void write_run(JsonWriter& json, const wc_host& host) {
  json.begin_object();
  json.member("type", std::string_view("run"));
  if (host.version != nullptr) json.member("version", view(host.version));
  if (host.argv != nullptr) {
    json.key("argv");
    json.begin_array();
    for (const char* const* word = host.argv; *word != nullptr; ++word) json.string(*word);
    json.end_array();
  }
  const RunFacts facts = run_facts();
  json.member("time", std::string_view(facts.time));
  json.member("realtime_offset", facts.realtime_offset);
  if (!facts.kernel.empty()) {
    json.member("host", std::string_view(facts.host));
    json.member("kernel", std::string_view(facts.kernel));
  }
  json.end_object();
}

}  // namespace wc::backends
