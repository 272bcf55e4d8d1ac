#include "otlp_json.h"

#include <sys/utsname.h>

#include <algorithm>

#include "escape.h"
#include "json_writer.h"

namespace wc::backends {

namespace {

constexpr size_t kLongestValue = 4096;
constexpr uint32_t kSampled = 1, kSaysWhetherRemote = 0x100, kIsRemote = 0x200;  // SpanFlags
constexpr uint32_t kSpanKindInternal = 1, kStatusError = 2;

void separate(std::string& out) {
  if (!out.empty() && out.back() != '[') out += ',';
}

void append_list(std::string& out, std::string_view name, std::string_view members) {
  if (members.empty()) return;
  ((((out += ",\"") += name) += "\":[") += members) += ']';
}

void append_time(std::string& out, std::string_view name, uint64_t time) {
  (((out += ",\"") += name) += "\":\"") += std::to_string(time);
  out += '"';
}

void append_string(std::string& out, std::string_view bytes) { JsonWriter(out).string(bytes); }

void append_trace(std::string& out, const TraceId& trace, uint64_t span) {
  out += "{\"traceId\":\"";
  append_hex(out, trace.high);
  append_hex(out, trace.low);
  out += "\",\"spanId\":\"";
  append_hex(out, span);
  out += '"';
}

}  // namespace

void AttributeList::begin(std::string_view key) {
  separate(*out_);
  *out_ += "{\"key\":";
  append_string(*out_, key);
  *out_ += ",\"value\":{";
}

void AttributeList::text(std::string_view key, std::string_view value) {
  begin(key);
  *out_ += "\"stringValue\":";
  append_string(*out_, value.substr(0, kLongestValue));
  *out_ += "}}";
}

void AttributeList::integer(std::string_view key, int64_t value) {
  begin(key);
  ((*out_ += "\"intValue\":\"") += std::to_string(value)) += "\"}}";
}

void AttributeList::boolean(std::string_view key, bool value) {
  begin(key);
  (*out_ += value ? "\"boolValue\":true" : "\"boolValue\":false") += "}}";
}

void append_span(std::string& out, const OtlpSpan& span) {
  separate(out);
  append_trace(out, span.trace, span.id);
  if (!span.state.empty()) {
    out += ",\"traceState\":";
    append_string(out, span.state);
  }
  uint32_t flags = kSampled | kSaysWhetherRemote;
  if (span.parent != 0) {
    out += ",\"parentSpanId\":\"";
    append_hex(out, span.parent);
    out += '"';
    flags |= span.has_remote_parent ? kIsRemote : 0;
  }
  ((out += ",\"flags\":") += std::to_string(flags)) += ",\"name\":";
  append_string(out, span.name);
  (out += ",\"kind\":") += std::to_string(kSpanKindInternal);
  append_time(out, "startTimeUnixNano", span.start);
  append_time(out, "endTimeUnixNano", std::max(span.start, span.end));
  append_list(out, "attributes", span.attributes);
  append_list(out, "events", span.events);
  if (span.dropped_events != 0)
    (out += ",\"droppedEventsCount\":") += std::to_string(span.dropped_events);
  if (span.link != nullptr) {
    out += ",\"links\":[";
    append_trace(out, span.link->trace, span.link->span);
    constexpr uint32_t kLinked = kSampled | kSaysWhetherRemote | kIsRemote;
    ((out += ",\"flags\":") += std::to_string(kLinked)) += "}]";
  }
  out += ",\"status\":{";
  if (!span.error.empty()) {
    ((out += "\"code\":") += std::to_string(kStatusError)) += ",\"message\":";
    append_string(out, span.error);
  }
  out += "}}";
}

void append_event(std::string& out, std::string_view name, uint64_t time,
                  std::string_view attributes) {
  separate(out);
  out += "{\"name\":";
  append_string(out, name);
  append_time(out, "timeUnixNano", time);
  append_list(out, "attributes", attributes);
  out += '}';
}

std::string resource_json(const OtlpOptions& options, const ProcessFacts& process,
                          std::string_view version) {
  std::string members;
  AttributeList list(members);
  const std::string_view program = basename_of(process.path);
  // What the environment says of the resource stands in the place of what is found here.
  const auto add = [&](std::string_view key, std::string_view value) {
    const bool is_given = std::ranges::find(options.attributes, key, [](const auto& pair) {
                            return std::string_view(pair.first);
                          }) != options.attributes.end();
    if (!is_given && !value.empty()) list.text(key, value);
  };
  std::string service = options.service;
  if (service.empty()) service = "unknown_service";
  if (options.service.empty() && !program.empty()) (service += ':') += program;
  list.text("service.name", service);
  utsname machine = {};
  if (uname(&machine) == 0) {
    add("host.name", machine.nodename);
    add("os.version", machine.release);
  }
  add("host.arch", "amd64");
  add("os.type", "linux");
  list.integer("process.pid", process.pid);
  if (process.parent != 0) list.integer("process.parent_pid", process.parent);
  add("process.executable.name", program);
  add("process.executable.path", process.path);
  add("telemetry.sdk.name", "wc-intercept");
  add("telemetry.sdk.language", "cpp");
  add("telemetry.sdk.version", version);
  for (const auto& [key, value] : options.attributes)
    if (key != "process.pid" && key != "process.parent_pid") list.text(key, value);
  return "{\"attributes\":[" + members + "]}";
}

void OtlpBatch::add(const Resource& resource, const OtlpSpan& span) {
  auto group = std::ranges::find(groups_.rbegin(), groups_.rend(), resource,
                                 &std::pair<Resource, std::string>::first);
  if (group == groups_.rend()) {
    groups_.emplace_back(resource, std::string());
    bytes_ += resource->size();
    group = groups_.rbegin();
  }
  const size_t before = group->second.size();
  append_span(group->second, span);
  bytes_ += group->second.size() - before;
  ++spans_;
}

std::string OtlpBatch::take(std::string_view version, std::string_view scope) {
  std::string out = "{\"resourceSpans\":[";
  for (const auto& [resource, spans] : groups_) {
    separate(out);
    ((out += "{\"resource\":") += *resource) +=
        ",\"scopeSpans\":[{\"scope\":{\"name\":\"wc-intercept\"";
    out += ",\"version\":";
    append_string(out, version);
    append_list(out, "attributes", scope);
    ((out += "},\"spans\":[") += spans) += "]}]}";
  }
  out += "]}";
  groups_.clear();
  spans_ = 0;
  bytes_ = 0;
  return out;
}

}  // namespace wc::backends
