#include "json_run.h"

#include <fmt/format.h>
#include <time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "escape.h"

namespace wc::backends {

namespace {

constexpr int64_t kNanosecond = 1'000'000'000;

// "2026-11-28T11:33:31.123456789Z"
std::string rfc3339(int64_t nanoseconds) {
  const time_t second = nanoseconds / kNanosecond;
  tm utc = {};
  gmtime_r(&second, &utc);
  char text[32] = "";
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:09}Z", text, nanoseconds % kNanosecond);
}

std::string text_or_nothing(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

RunFacts run_facts(const wc_host& host) {
  if (host.run == nullptr) return {};
  const wc_run& run = *host.run;
  const int64_t wall = static_cast<int64_t>(run.began) + run.realtime_offset;
  return {rfc3339(wall), run.realtime_offset, text_or_nothing(run.machine),
          text_or_nothing(run.kernel)};
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
  if (host.run != nullptr) {
    const RunFacts facts = run_facts(host);
    json.member("time", std::string_view(facts.time));
    json.member("realtime_offset", facts.realtime_offset);
    json.member("host", std::string_view(facts.host));
    json.member("kernel", std::string_view(facts.kernel));
  }
  json.end_object();
}

}  // namespace wc::backends
