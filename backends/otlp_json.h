// Spans in OTLP's JSON form: ids in hexadecimal digits, 64-bit integers as texts.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp_options.h"
#include "otlp_trace.h"

namespace wc::backends {

// The members of a list of attributes, appended one by one.
class AttributeList {
 public:
  explicit AttributeList(std::string& out) : out_(&out) {}
  void text(std::string_view key, std::string_view value);
  void text_if(std::string_view key, const char* value) {
    if (value != nullptr && *value != '\0') text(key, value);
  }
  void integer(std::string_view key, int64_t value);
  void boolean(std::string_view key, bool value);

 private:
  void begin(std::string_view key);

  std::string* out_;
};

struct OtlpSpan {
  TraceId trace;
  uint64_t id = 0;
  uint64_t parent = 0;  // 0: none
  bool has_remote_parent = false;
  const TraceParent* link = nullptr;
  std::string_view state;  // tracestate
  std::string_view name;
  uint64_t start = 0, end = 0;          // since the epoch
  std::string_view attributes, events;  // members of lists
  uint32_t dropped_events = 0;
  std::string_view error;  // empty: none
};
void append_span(std::string& out, const OtlpSpan& span);
// One of a span's events.
void append_event(std::string& out, std::string_view name, uint64_t time,
                  std::string_view attributes);

struct ProcessFacts {
  int32_t pid = 0, parent = 0;  // 0: not known
  std::string path;
};
// The resource that spans of a process belong to.
std::string resource_json(const OtlpOptions& options, const ProcessFacts& process,
                          std::string_view version);

// Spans of several processes, until they are sent or written.
class OtlpBatch {
 public:
  using Resource = std::shared_ptr<const std::string>;

  [[nodiscard]] uint64_t spans() const { return spans_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  void add(const Resource& resource, const OtlpSpan& span);
  // The request, and an empty batch. `scope`: attributes of the instrumentation scope.
  std::string take(std::string_view version, std::string_view scope);

 private:
  std::vector<std::pair<Resource, std::string>> groups_;
  uint64_t spans_ = 0;
  size_t bytes_ = 0;
};

}  // namespace wc::backends
